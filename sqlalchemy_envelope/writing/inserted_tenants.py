"""The tenants of the rows of an INSERT: as given, from the context, or by the column's default."""

from typing import Any

from sqlalchemy import Column

from ..declaration import is_plain_default
from .rows import Row
from .tenants import UNKNOWN, Known, Tenants
from .values import SingleValues

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_NOTHING = object()


class InsertedTenants(Tenants):
    """Finds each row's tenant, and fills its column in where the row gives none."""

    def settle(self, values: SingleValues, groups: tuple[list[Row], ...]) -> None:
        """Once the statement's values are collected, and before they are sealed."""
        for key, column in self.target.declared.tenants.items():
            known = self.known[key] = Known(column)
            if groups:
                for group in groups:
                    self._settle_group(known, group)
            else:
                self._settle_rows(known, values)
            self.check(known)

    def _settle_group(self, known: Known, group: list[Row]) -> None:
        names = [self._name_in(row, known) for row in group]
        given = self.execution.rows[0]
        for row, name in zip(group, names, strict=True):
            value = known.given(row[name], given) if name is not None else None
            if value is None:
                value = self._filling(known)
            if value is not _NOTHING and value is not UNKNOWN:
                row[self.target.key(known.column) if name is None else name] = value
            elif name is None and any(names):
                row[self.target.key(known.column)] = None
            known.grouped[id(row)] = known.tenant(None if value is _NOTHING else value)

    def _name_in(self, row: Row, known: Known) -> Any:
        return next((name for name in row if self.target.means(name, known.column)), None)

    def _settle_rows(self, known: Known, values: SingleValues) -> None:
        assigned = values.assigned(known.column)
        for row in self.execution.rows:
            value = known.given_for_it(assigned, row)
            if value is None:
                value = self._filling(known)
                self._fill(known, values, row, value)
            known.rows.append(known.tenant(None if value is _NOTHING else value))

    def _fill(self, known: Known, values: SingleValues, row: dict[str, Any], value: Any) -> None:
        """Into the row of parameters; an INSERT without any would look for it in its CTEs as well."""
        if value is _NOTHING:
            return
        if self.execution.rows == [{}]:
            values.assign(known.column, self.target.key(known.column), value)
        else:
            row[known.column.key] = value

    def _filling(self, known: Known) -> Any:
        if self.context is not None:
            return known.text.value(self.context)
        default: Any = known.column.default
        if default is None or not is_plain_default(default):
            known.why = known.why or _why(known.column)
            return _NOTHING
        value = default.arg(None) if default.is_callable else default.arg
        return _NOTHING if value is None else value


def _why(column: Column[Any]) -> str:
    if column.default is None and column.server_default is None:
        return ""
    return "has a default that only the database computes: set it, or execute inside `with tenant(...)`"
