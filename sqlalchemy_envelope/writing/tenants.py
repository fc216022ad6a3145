"""Whose the values are that a statement writes: each row's tenant, or the one that it runs for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import elements

from ..errors import TenantError
from ..pairs import Pair
from ..tenancy import Tenancy, tenant_of
from ..tenant_column import TenantText
from .execution import Execution
from .site import Site

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

UNKNOWN = object()
"""Stands for a value that only the database computes."""


class Known:
    """The tenants that one column names, for the rows of one execution; None for a row that has none.

    `rows`: of the rows of parameters. `grouped`: of those of `values([...])`, by identity. `why`: what is
    wrong where there is none.
    """

    def __init__(self, column: Column[Any]) -> None:
        self.column = column
        self.text = TenantText(column)
        self.rows: list[str | None] = []
        self.grouped: dict[int, str | None] = {}
        self.why = ""
        self._seen: dict[tuple[type, Any], str] = {}

    @property
    def place(self) -> str:
        """The column, for messages."""
        return f"{self.column.table.name}.{self.column.name}"

    def tenant(self, value: Any) -> str | None:
        """The tenant that a value of the column means; remembers why there is none."""
        if value is UNKNOWN:
            self.why = "is set by an SQL expression: set a Python value"
            return None
        if value is None:
            return None
        key = (type(value), value)
        try:
            return self._seen[key]
        except KeyError:
            return self._seen.setdefault(key, self.text.of(value))
        except TypeError:  # of no hash, so no tenant
            return self.text.of(value)

    def given(self, expression: Any, row: Mapping[str, Any]) -> Any:
        """The column's value in what a clause compares or, without a parameter of its own, assigns.

        `UNKNOWN` where the database computes it, or the parameter's type may change it.
        """
        return given_value(expression, row) if self._keeps(expression) else UNKNOWN

    def given_for_it(self, assigned: Any, row: Mapping[str, Any]) -> Any:
        """The same, where a row of parameters may give it by the column's key."""
        key = self.column.key
        return row[key] if key in row and self._keeps(assigned) else self.given(assigned, row)

    def _keeps(self, expression: Any) -> bool:
        return not isinstance(expression, elements.BindParameter) or self.text.takes(expression.type)

    def of(self, values: Sequence[Any], row: Any) -> Sequence[str | None]:
        """The tenants of values: of a row of `values([...])`, of the rows of parameters, or of all alike."""
        if row is not None:
            return [self.grouped[id(row)]]
        found = list(self.grouped.values()) or self.rows
        if len(values) == len(found):
            return found
        different = set(found)
        if len(different) > 1:
            raise TenantError(
                f"one value can't be encrypted for rows of several tenants in {self.place}: give each row "
                "its own, by a named bindparam() or in its parameters"
            )
        return [*different] * len(values) if different else [None] * len(values)


class Tenants:
    """The tenants of one execution."""

    def __init__(self, execution: Execution, site: Site) -> None:
        self.execution = execution
        self.target = execution.target
        self.site = site
        self.known: dict[str, Known] = {}

    @cached_property
    def context(self) -> str | None:
        """The tenant that the statement runs for."""
        return tenant_of(self.site.options)

    def of(self, pair: Pair, values: Sequence[Any], row: Any) -> Sequence[str | None] | None:
        """The tenant of each value; None where the column's context says all.

        Raises `TenantError` where a value has none.
        """
        if pair.type.tenancy is None:
            return None
        if all(value is None for value in values):
            return [None] * len(values)
        if pair.type.tenancy is Tenancy.CONTEXT:
            return [self._of_context(pair)] * len(values)
        known = self._known_of(pair)
        found = known.of(values, row)
        if None in found:
            both = zip(values, found, strict=True)
            if any(value is not None and of is None for value, of in both):
                raise self._missing(pair, known)
        return found

    def check(self, known: Known) -> None:
        """That no row is of another tenant than the one that the statement runs for."""
        if self.context is None:
            return
        for of in {*known.rows, *known.grouped.values()}:
            if of is not None and of != self.context:
                raise TenantError(
                    f"{known.place} names another tenant than the one that the statement runs for: write "
                    "each tenant's rows for that tenant"
                )

    def _known_of(self, pair: Pair) -> Known:
        known = self.known.get(str(pair.tenant.key))  # type: ignore[union-attr]
        return Known(pair.tenant) if known is None else known  # type: ignore[arg-type]

    def _of_context(self, pair: Pair) -> str:
        if self.context is None:
            raise TenantError(
                f"{pair.type.reading.context.place} is encrypted for one tenant and there is none: execute "
                "it inside `with tenant(...)`, or with execution_options(tenant=...)"
            )
        return self.context

    def _missing(self, pair: Pair, known: Known) -> TenantError:
        why = known.why or "has no value: set it, or execute inside `with tenant(...)`"
        place = pair.type.reading.context.place
        return TenantError(f"{place} can't be encrypted without its tenant, and {known.place} {why}")


def given_value(expression: Any, row: Mapping[str, Any]) -> Any:
    """The Python value of what a clause assigns or compares; `UNKNOWN` where the database computes it."""
    if isinstance(expression, elements.Null):
        return None
    if isinstance(expression, elements.BindParameter):
        if expression.callable is not None:
            return UNKNOWN  # it would be called twice
        if expression.unique or expression.key not in row:
            return UNKNOWN if expression.required else expression.value
        return row[expression.key]
    if isinstance(expression, elements.ClauseElement) or hasattr(expression, "__clause_element__"):
        return UNKNOWN
    return expression
