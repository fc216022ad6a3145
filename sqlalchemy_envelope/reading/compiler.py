"""The statement compiler of an attached engine: SQLAlchemy's, with encrypted columns judged and paired."""

from typing import Any

from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.orm import FromStatement
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    BindParameter,
    ColumnElement,
    TableValuedColumn,
    TextClause,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TextualSelect

from ..pairs import pairs_of
from ..types import Sealed, carried
from ..wire import KEY_MAGIC, VERSION
from .clauses import ClauseReading
from .kinds import is_null
from .lineage import is_query, stored_table
from .path import keep_path
from .policy import Carriers, Verdict, judge, refusal
from .searching import Searching
from .sets import check_set_operation
from .textual import (
    changes_statement,
    check_fragment,
    check_named_result,
    check_textual_select,
    encrypted_columns,
    tables_named,
)

_KEY_START = bytes((KEY_MAGIC, VERSION))


class EnvelopeCompiler(Searching, ClauseReading):
    """Judges where encrypted columns stand and renders their cells as one."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        self._carriers: Carriers = {}
        self.tenant_places = {}
        super().__init__(*args, **kw)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that the statement was compiled with, but for cells."""
        return {name: value for name, value in super().params.items() if not _is_cell(value)}

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> str:
        """A column's name; an encrypted one's two cells, or a refusal."""
        text = super().visit_column(column, *args, **kw)
        if isinstance(column, TableValuedColumn):
            self._check_whole_row(column)
        if column.table is None:
            quoted = self.preparer.quote_identifier(column.name)
            self._check_text(column.name if column.is_literal else quoted)
        if carried(column.type) is None:
            return text
        self._carriers[id(column)] = column
        if self._names_result_of_text:
            check_named_result(column, self.statement.element.text)  # type: ignore[union-attr]
            return text
        verdict = judge(column, self.path, self._innermost, self._carriers)
        if verdict is Verdict.PAIR and self.statement is None:
            raise refusal(column.type, "DDL (a view, a table from a query, an index)")
        if verdict is Verdict.PAIR and self._is_wrapped:
            raise refusal(column.type, "a statement of your own making (EXPLAIN, COPY, CREATE TABLE AS)")
        if verdict is Verdict.CELL or is_query(column.table):
            return text  # a subquery joined the cells
        return self._of_cells(column, text, verdict, kw)

    @property
    def _is_wrapped(self) -> bool:
        """Whether what is rendered stands in a construct of the user's own, which may do anything with it."""
        return self.path[0] is not self.statement and not isinstance(self.statement, FromStatement)

    @property
    def _names_result_of_text(self) -> bool:
        """Whether a column only names a result of `from_statement(text(...))`, outside of any statement."""
        return len(self.path) == 1 and isinstance(getattr(self.statement, "element", None), TextClause)

    def _label_select_column(self, select: Any, column: Any, *args: Any, **kw: Any) -> str:
        """One entry of a columns clause: a pair is always labelled, and nothing else may pass for one."""
        encrypted = carried(column.type)
        if encrypted and kw.get("name") is None and getattr(column, "table", None) is not None:
            kw["name"] = kw["proxy_name"] = column.name
        text = super()._label_select_column(select, column, *args, **kw)
        if encrypted:
            self._check_carrier(column)
        return text

    def _leave(self, element: Any) -> None:
        """Lets nothing pass for an encrypted value that holds none, wherever it stands."""
        expression = isinstance(element, ColumnElement) and not isinstance(element, BindParameter)
        if expression and carried(element.type) is not None:
            self._check_carrier(element)

    def _check_carrier(self, element: Any) -> None:
        encrypted: Any = carried(element.type)
        if id(element) not in self._carriers and not (is_null(element) and encrypted.bound):
            raise refusal(element.type, "disguise", "select the model's own attribute")

    def visit_label(self, label: Any, *args: Any, **kw: Any) -> str:
        """A label; refused where it stands for an encrypted column in ORDER BY or GROUP BY."""
        shown: Any = kw.get("render_label_as_label")
        if shown is label and carried(label.type) is not None:
            raise refusal(label.type, "ORDER BY or GROUP BY")
        return super().visit_label(label, *args, **kw)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> str:
        """A parameter; one of an encrypted type only where its table is written, which seals it."""
        written = isinstance(self._above, UpdateBase | OnConflictDoUpdate)
        if carried(bindparam.type) is not None and not written:
            raise refusal(bindparam.type, "a comparison or expression with a value")
        return super().visit_bindparam(bindparam, *args, **kw)

    def visit_dmltargetcopy(self, element: Any, **kw: Any) -> str:
        """`from_dml_column()`, SQLAlchemy 2.1: the value written to another column."""
        if carried(element.column.type) is not None:
            raise refusal(element.column.type, "from_dml_column()")
        return str(super().visit_dmltargetcopy(element, **kw))

    def visit_compound_select(self, cs: Any, *args: Any, **kw: Any) -> str:
        """UNION and its kin."""
        check_set_operation(cs)
        return super().visit_compound_select(cs, *args, **kw)

    def get_statement_hint_text(self, hint_texts: Any) -> str:
        """`with_statement_hint()`: text at the end of a SELECT."""
        for text in hint_texts:
            self._check_text(text)
        return super().get_statement_hint_text(hint_texts)

    def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> str:
        """Textual SQL."""
        if not isinstance(self._above, TextualSelect):  # which was checked as a whole
            self._check_text(textclause.text)
        return super().visit_textclause(textclause, *args, **kw)

    def visit_textual_select(self, taf: Any, *args: Any, **kw: Any) -> str:
        """Textual SQL with columns."""
        check_textual_select(taf)
        return super().visit_textual_select(taf, *args, **kw)

    def visit_insert(self, insert_stmt: Any, *args: Any, **kw: Any) -> str:
        """INSERT."""
        self._check_written(insert_stmt)
        return super().visit_insert(insert_stmt, *args, **kw)

    def visit_update(self, update_stmt: Any, *args: Any, **kw: Any) -> str:
        """UPDATE."""
        self._check_written(update_stmt)
        return super().visit_update(update_stmt, *args, **kw)

    def _check_written(self, statement: Any) -> None:
        """A write inside another statement was not sealed, because only whole statements are."""
        if not self.stack:
            return
        written = {getattr(key, "key", key) for key in statement._values or ()}
        written |= {
            getattr(key, "key", key) for group in statement._multi_values for row in group for key in row
        }
        written |= {getattr(key, "key", key) for key in getattr(statement, "_select_names", None) or ()}
        table = stored_table(statement.table)
        for pair in () if table is None else pairs_of(table).values():
            kept = [] if pair.tenant is None or statement.is_insert else [pair.tenant]
            if written & {each.key for each in (*pair.columns, *kept)}:
                raise refusal(pair.type, "a write inside a CTE", "write it by a statement of its own")

    def _check_text(self, text: str) -> None:
        if text.strip() == "*" and self._only_counted:
            return
        written = {
            entry["selectable"].table for entry in self.stack if isinstance(entry["selectable"], UpdateBase)
        }
        froms = self._froms | written
        check_fragment(text, froms | tables_named(text, froms))
        encrypted = next((each for each in self._select_columns if carried(each.type) is not None), None)
        if encrypted is not None and changes_statement(text):
            raise refusal(
                encrypted.type, "a SELECT that text adds a clause to", "use SQLAlchemy's method for it"
            )

    @property
    def _only_counted(self) -> bool:
        """Whether a `*` here is count(*)'s or EXISTS (SELECT *)'s, which hand out nothing."""
        for each in reversed(self.path[:-1]):
            if isinstance(each, FunctionElement):
                return str(getattr(each, "name", "")).lower() == "count"
            if isinstance(each, UnaryExpression):
                return each.operator is operators.exists
        return False

    def _check_whole_row(self, column: Any) -> None:
        for hidden in encrypted_columns(column.scalar_alias):
            raise refusal(hidden.type, "a whole row as one value", "list the columns that you need")

    @property
    def _above(self) -> Any:
        """What the element being rendered stands directly in."""
        return self.path[-2] if len(self.path) > 1 else None


def _is_cell(value: object) -> bool:
    return type(value) is Sealed or (type(value) is bytes and value.startswith(_KEY_START))


def compiler_class(base: type[SQLCompiler]) -> type[SQLCompiler]:
    """The dialect's statement compiler with the policy laid over it, and the path around both."""
    judging = type(f"Envelope{base.__name__}", (EnvelopeCompiler, base), {})
    return type(judging.__name__, (judging,), keep_path(judging))
