"""The statement compiler of an attached engine: SQLAlchemy's, with encrypted columns judged and paired."""

from typing import Any

from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    ClauseList,
    Grouping,
    Label,
    TableValuedColumn,
    TextClause,
    UnaryExpression,
    _label_reference,
)
from sqlalchemy.sql.functions import FunctionElement, cube, grouping_sets, rollup
from sqlalchemy.sql.selectable import CompoundSelect, TextualSelect

from ..columns import pairs_of
from ..types import Sealed, carried
from ..wire import KEY_MAGIC, VERSION
from .lineage import columns_of, is_query, sibling_of, stored_table
from .path import PathKeeping, keep_path
from .policy import Verdict, judge, refusal
from .rules import is_null
from .sets import check_distinct, check_set_operation
from .textual import (
    check_fragment,
    check_named_result,
    check_order,
    check_textual_select,
    encrypted_columns,
)

_OF_AN_ENTRY = (UnaryExpression, ClauseList, Grouping, Label, _label_reference, rollup, cube, grouping_sets)
"""What may stand around an entry of ORDER BY, GROUP BY and DISTINCT ON that is a number or label."""

_KEY_START = bytes((KEY_MAGIC, VERSION))
_SIBLING_KW = ("include_table", "ambiguous_table_name_map")


class EnvelopeCompiler(PathKeeping):
    """Judges where encrypted columns stand and renders their two cells as one."""

    _judged = 0

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
        self._judged += 1
        if self._names_result_of_text:
            check_named_result(column, self.statement.element.text)  # type: ignore[union-attr]
            return text
        verdict = judge(column, self.path, self._innermost)
        if verdict is Verdict.PAIR and self.statement is None:
            raise refusal(column.type, "DDL (a view, a table from a query, an index)")
        return text if verdict is Verdict.CELL else self._joined(column, text, kw)

    @property
    def _names_result_of_text(self) -> bool:
        """Whether a column only names a result of `from_statement(text(...))`, outside of any statement."""
        return len(self.path) == 1 and isinstance(getattr(self.statement, "element", None), TextClause)

    def _joined(self, column: Any, text: str, kw: dict[str, Any]) -> str:
        """Both cells as one; a lone cell stays visible, so that it is an error and never a NULL."""
        if is_query(column.table):
            return text  # the subquery joined them
        sibling = sibling_of(column)
        if sibling is None:
            raise refusal(column.type, f"something that is not its table ({type(column.table).__name__})")
        dek = super().visit_column(sibling, **{name: kw[name] for name in _SIBLING_KW if name in kw})
        alone = f"'\\x00'::bytea || {text}, {dek}" if column.type.accept else f"{dek}, {text}"
        return f"coalesce({dek} || {text}, {alone})"

    def _label_select_column(self, select: Any, column: Any, *args: Any, **kw: Any) -> str:
        """One entry of a columns clause: a pair is always labelled, and nothing else may pass for one."""
        before = self._judged
        encrypted = carried(column.type) is not None
        if encrypted and kw.get("name") is None and getattr(column, "table", None) is not None:
            kw["name"] = kw["proxy_name"] = column.name
        text = super()._label_select_column(select, column, *args, **kw)
        if encrypted and self._judged == before and not is_null(column):
            raise refusal(column.type, "a columns clause in disguise", "select the model's own attribute")
        return text

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

    def get_select_precolumns(self, select: Any, **kw: Any) -> str:
        """DISTINCT."""
        check_distinct(select, self._select_columns)
        return super().get_select_precolumns(select, **kw)

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
        for key, pair in () if table is None else pairs_of(table).items():
            if written & {key, pair.dek.key}:
                raise refusal(pair.type, "a write inside a CTE", "write it by a statement of its own")

    def _check_text(self, text: str) -> None:
        if text.strip() == "*" and self._only_counted:
            return
        froms = {each for entry in self.stack for each in (*entry["correlate_froms"], *entry["asfrom_froms"])}
        written = {
            entry["selectable"].table for entry in self.stack if isinstance(entry["selectable"], UpdateBase)
        }
        check_fragment(text, froms | written)
        if self._sorts_or_groups:
            check_order(text, self._select_columns)

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
    def _sorts_or_groups(self) -> bool:
        """Whether text here is a whole entry of ORDER BY and its kin, which may mean one of the columns.

        Inside any other expression, a number is a number, and a label is not to be seen.
        """
        clauses = [
            each
            for clause in ("_order_by_clauses", "_group_by_clauses", "_distinct_on")
            for each in getattr(self._innermost, clause, ())
        ]
        entries = [at for at, each in enumerate(self.path) if any(each is entry for entry in clauses)]
        return bool(entries) and all(isinstance(each, _OF_AN_ENTRY) for each in self.path[entries[-1] : -1])

    @property
    def _innermost(self) -> Any:
        return self.stack[-1]["selectable"] if self.stack else None

    @property
    def _above(self) -> Any:
        """What the element being rendered stands directly in."""
        return self.path[-2] if len(self.path) > 1 else None

    @property
    def _select_columns(self) -> list[Any]:
        if isinstance(self._innermost, CompoundSelect):
            return columns_of(self._innermost)
        state = self.stack[-1].get("compile_state") if self.stack else None
        return [each[3] for each in getattr(state, "columns_plus_names", ())]


def _is_cell(value: object) -> bool:
    return type(value) is Sealed or (type(value) is bytes and value.startswith(_KEY_START))


def compiler_class(base: type[SQLCompiler]) -> type[SQLCompiler]:
    """The dialect's statement compiler with the policy laid over it, and the path around both."""
    judging = type(f"Envelope{base.__name__}", (EnvelopeCompiler, base), {})
    return type(judging.__name__, (judging,), keep_path(judging))
