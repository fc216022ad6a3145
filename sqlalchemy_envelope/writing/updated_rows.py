"""The primary keys of the rows that an UPDATE finds: from WHERE, and from SET where it changes them."""

from typing import Any

from sqlalchemy import Column

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from ..reading.criteria import compared_with
from .bound_rows import BoundRows
from .flushed import is_by_key
from .tenants import UNKNOWN, Known
from .values import SingleValues

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class UpdatedRows(BoundRows):
    """Finds the keys. `criteria`: what the statement's WHERE is to have besides."""

    def settle(self, values: SingleValues) -> None:
        """Once the statement's values are collected, and before they are sealed."""
        self.criteria: list[Any] = []
        if not self.bound:
            return
        set_ = [each for each in self.columns if self._is_set(each, values)]
        if not (set_ or self.is_needed):
            return
        before = [self._in_where(each) for each in self.columns]
        after = [
            self._in_set(each, values) if each in set_ else old
            for each, old in zip(self.columns, before, strict=True)
        ]
        self.rows = self.encoded(after)
        if set_ and (None in self.rows or self.rows != self.encoded(before)):
            self._check_left()

    def missing(self, pair: Pair) -> UnsupportedStatementError:
        return UnsupportedStatementError(
            f"{pair.type.reading.context.place} is bound to its row, and an UPDATE by other criteria than "
            f"the primary key ({self.named}) may find several: update each row by its key, "
            "or change the row's objects by a Session"
        )

    def _check_left(self) -> None:
        """A change of the key takes all that is bound to the row along; what is NULL may stay so."""
        left = [self.bound[key].content for key in sorted(self.bound.keys() - self.execution.batch.keys)]
        if left and not is_by_key(self.target.table, self.execution.rows, self.site.options):
            missing = ", ".join(each.name for each in left)
            raise UnsupportedStatementError(
                f"{self.target.written.name}: its primary key ({self.named}) can't be set alone: {missing} "
                "would stay bound to the key before; set them in the same statement, found by the key "
                "before, or change the row's objects by a Session"
            )
        self.criteria += [self.target.written.c[each.key].is_(None) for each in left]

    def _is_set(self, column: Column[Any], values: SingleValues) -> bool:
        return values.assigns(column) or any(column.key in row for row in self.execution.rows)

    def _in_set(self, column: Column[Any], values: SingleValues) -> list[Any]:
        known, assigned = Known(column), values.assigned(column)
        return [known.given_for_it(assigned, row) for row in self.execution.rows]

    def _in_where(self, column: Column[Any]) -> list[Any]:
        compared = compared_with(self.execution.statement, self.target.written, column)
        if compared is None:
            return [UNKNOWN] * len(self.execution.rows)
        known = Known(column)
        return [known.given(compared, row) for row in self.execution.rows]
