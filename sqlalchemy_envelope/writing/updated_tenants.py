"""The tenants of the rows that an UPDATE may find.

Whatever they are taken from, the statement then finds rows of just those tenants: a value is never stored
in a row whose tenant does not open it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Column, and_, bindparam, false, or_

from ..errors import UnsupportedStatementError
from ..reading.criteria import compared_with
from .flushed import is_by_key
from .remembered import Values, recalled
from .synchronizing import synchronize_only
from .tenants import UNKNOWN, Known, Tenants
from .values import SingleValues

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class UpdatedTenants(Tenants):
    """Finds the tenants in SET, in WHERE, in what a flush remembered, or in the context.

    `criteria`: what the statement's WHERE is to have besides.
    """

    def settle(self, values: SingleValues) -> None:
        """Once the statement's values are collected, and before they are sealed."""
        self.criteria: list[Any] = []
        for key, column in self.target.declared.tenants.items():
            known = Known(column)
            if values.assigns(column) or any(key in row for row in self.execution.rows):
                self._settle_set(known, values)
            elif self.execution.batch.writes(column):
                self._settle_found(known)
            else:
                continue
            self.known[key] = known
            self.check(known)

    def _settle_set(self, known: Known, values: SingleValues) -> None:
        """A change of tenant takes all that is encrypted for the row along."""
        assigned = values.assigned(known.column)
        given = [known.given_for_it(assigned, row) for row in self.execution.rows]
        known.rows = [known.tenant(value) for value in given]
        bound = {name for name, pair in self.target.pairs.items() if pair.tenant is known.column}
        left = [self.target.pairs[name].content for name in sorted(bound - self.execution.batch.keys)]
        if not left or (all(known.rows) and self._in_where(known) == known.rows):
            return
        if not (all(known.rows) and self._is_by_key):
            missing = ", ".join(each.name for each in left)
            raise UnsupportedStatementError(
                f"{known.place} can't be set alone: {missing} of the row would stay encrypted for the tenant "
                "before; set them in the same statement, or change the row's objects by a Session"
            )
        self._find_only(known, given, or_none=left)

    def _settle_found(self, known: Known) -> None:
        known.why = (
            f"is not in the UPDATE: add .where({known.place} == ...), execute inside `with tenant(...)`, or "
            "change the row's objects by a Session"
        )
        rows = self._in_where(known)
        if rows is not None:
            known.rows = rows
            return
        if self._remembered is not None:
            given = [each.get(str(known.column.key)) for each in self._remembered]
            known.rows = [known.tenant(value) for value in given]
            self._find_only(known, given)
        elif self.context is not None:
            known.rows = [self.context] * len(self.execution.rows)
            value = known.text.value(self.context)
            self.criteria.append(self._column(known) == value)
            synchronize_only(self.site.options, known.column, value)
        else:
            known.rows = [None] * len(self.execution.rows)

    def _in_where(self, known: Known) -> list[str | None] | None:
        """The tenants that WHERE compares the column with; None where it doesn't, or not with a value."""
        compared = compared_with(self.execution.statement, self.target.written, known.column)
        if compared is None:
            return None
        given = [known.given(compared, row) for row in self.execution.rows]
        if any(value is UNKNOWN or value is None for value in given):
            return None
        return [known.tenant(value) for value in given]

    def _find_only(self, known: Known, given: Sequence[Any], or_none: Sequence[Column[Any]] = ()) -> None:
        """Has each row of parameters find a row of its tenant only, or one where all of `or_none` is NULL."""
        name = f"{known.column.key}__envelope_tenant"
        self.execution.named_beside.add(name)
        for row, value in zip(self.execution.rows, given, strict=True):
            row[name] = value
        same = self._column(known) == bindparam(name, type_=known.column.type)
        none = and_(*(self.target.written.c[each.key].is_(None) for each in or_none)) if or_none else false()
        self.criteria.append(or_(same, none))

    @cached_property
    def _remembered(self) -> list[Values] | None:
        """Of each row of parameters, where a flush left it."""
        return recalled(self.site.connection, self.target.table, self.execution.rows)

    def _column(self, known: Known) -> Column[Any]:
        return self.target.written.c[known.column.key]  # type: ignore[no-any-return]

    @property
    def _is_by_key(self) -> bool:
        return is_by_key(self.target.table, self.execution.rows, self.site.options)
