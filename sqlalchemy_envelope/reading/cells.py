"""How the cells of an encrypted column are read as one, in each of the states of a column that is moving."""

from typing import Any

from sqlalchemy import ARRAY
from sqlalchemy.sql.elements import TypeClause

from ..comparator import place_of
from ..primary_key import row_before
from ..tenancy import Tenancy
from ..types import carried
from .joined import EXPECTED, OF_CONTEXT, alternatives, row_tenant
from .lineage import cells_of
from .path import PathKeeping
from .policy import Verdict, refusal

_NAMING = ("include_table", "ambiguous_table_name_map")


class CellRendering(PathKeeping):
    """Renders what an encrypted column is read from, where it was found that it may be."""

    tenant_places: dict[str, str]
    """The parameters that tenants are given by, and the first place that each is needed for."""

    def _of_cells(self, column: Any, text: str, verdict: Verdict, kw: dict[str, Any]) -> str:
        """Both cells as one; a lone cell stays visible, so that it is an error and never a NULL."""
        moving = column.type.moving
        if verdict is Verdict.NULL and moving is None:
            return text
        pair = cells_of(column)
        if pair is None:
            raise refusal(column.type, "something that is not its table")
        kw = {name: kw[name] for name in _NAMING if name in kw}
        if verdict is Verdict.NULL:
            return str(moving.null_sql(text, self._name_of(pair.plaintext, kw)))
        joined = alternatives(
            self._name_of(pair.dek, kw),
            text,
            older=column.type.accept is not None,
            shared=bool(pair.mates),
            before=self._before(column.type, pair, kw) if column.type.opens else "",
        )
        if moving is None:
            return f"coalesce({', '.join(joined)})"
        return str(moving.value_sql(joined, self._as_selected(pair.plaintext, kw)))

    def _before(self, type_: Any, pair: Any, kw: dict[str, Any]) -> str:
        """SQL for what comes before a pair: whose it is, and of which row, where its context doesn't say."""
        row = row_before(pair.row, lambda column: self._name_of(column, kw)) if pair.row else ""
        return " || ".join(each for each in (self._tenant_before(type_, pair, kw), row) if each)

    def _tenant_before(self, type_: Any, pair: Any, kw: dict[str, Any]) -> str:
        """SQL for what comes before a pair whose tenant its context doesn't say."""
        if type_.tenancy is None:
            return ""
        given = EXPECTED if type_.tenancy is Tenancy.ROW else OF_CONTEXT
        self.tenant_places.setdefault(str(given.key), place_of(type_))
        parameter = str(self.process(given))
        if type_.tenancy is Tenancy.CONTEXT:
            return parameter
        return f"{parameter} || {row_tenant(self._name_of(pair.tenant, kw))}"

    def _as_selected(self, column: Any, kw: dict[str, Any]) -> str:
        """The plaintext column, as its own type has it selected."""
        impl = column.type.dialect_impl(self.dialect)
        if not impl._has_column_expression:
            return self._name_of(column, kw)
        return str(self.process(impl.column_expression(column), **kw))

    def _name_of(self, column: Any, kw: dict[str, Any]) -> str:
        return super().visit_column(column, **kw)

    def visit_typeclause(self, typeclause: Any, **kw: Any) -> str:
        """The type of a CAST, which only NULL may be cast to: that of what is read."""
        encrypted = carried(typeclause.type)
        if encrypted is None or encrypted.moving is None or encrypted.opens:
            return str(super().visit_typeclause(typeclause, **kw))
        item: Any = encrypted.moving.read_type
        array = isinstance(typeclause.type, ARRAY)
        return str(super().visit_typeclause(TypeClause(ARRAY(item) if array else item), **kw))
