"""The primary keys of the rows of an INSERT: as given, by the column's default, or fetched ahead."""

from typing import Any

from sqlalchemy import Column

from ..declaration import is_plain_default
from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .bound_rows import BoundRows
from .fetched_keys import fetched
from .rows import Row
from .tenants import UNKNOWN, Known
from .values import SingleValues

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class InsertedRows(BoundRows):
    """Finds each row's key, and fills in what the row doesn't give."""

    def settle(self, values: SingleValues, groups: tuple[list[Row], ...]) -> None:
        """Once the statement's values are collected, and before they are sealed."""
        if not self.is_needed:
            return
        rows = [row for group in groups for row in group]
        if rows:
            parts = [self._of_group(column, rows) for column in self.columns]
            found = self.encoded(parts)
            self.grouped = dict(zip(map(id, rows), found, strict=True))
        else:
            parts = [self._of_rows(column, values) for column in self.columns]
            self.rows = self.encoded(parts)

    def missing(self, pair: Pair) -> UnsupportedStatementError:
        return UnsupportedStatementError(
            f"{pair.type.reading.context.place} is bound to its row, whose primary key ({self.named}) only "
            "the database would tell: set it to Python values, or declare it as Identity()"
        )

    def _of_group(self, column: Column[Any], rows: list[Row]) -> list[Any]:
        known, parameters = Known(column), self.execution.rows[0]
        names = [next((name for name in row if self.target.means(name, column)), None) for row in rows]
        found = [
            None if name is None else known.given(row[name], parameters)
            for row, name in zip(rows, names, strict=True)
        ]
        self._complete(column, found)
        for row, name, value in zip(rows, names, found, strict=True):
            if value is not UNKNOWN:
                row[self.target.key(column) if name is None else name] = value
        return found

    def _of_rows(self, column: Column[Any], values: SingleValues) -> list[Any]:
        rows, key = self.execution.rows, str(column.key)
        known, assigned = Known(column), values.assigned(column)
        if assigned is None:
            found = [row.get(key) for row in rows]
        else:
            found = [known.given_for_it(assigned, row) for row in rows]
        if None not in found:
            return found
        self._complete(column, found)
        if rows == [{}] and found[0] is not UNKNOWN:
            values.assign(column, self.target.key(column), found[0])
        for row, value in zip(rows, found, strict=True):
            if row and value is not UNKNOWN:
                row[key] = value
        return found

    def _complete(self, column: Column[Any], found: list[Any]) -> None:
        """Puts a value in the place of each None: the default's, or one that was fetched for it."""
        missing = [at for at, value in enumerate(found) if value is None]
        if not missing:
            return
        default: Any = column.default
        if default is not None and is_plain_default(default) and not default.is_sequence:
            made = [default.arg(None) if default.is_callable else default.arg for _ in missing]
        else:
            made = fetched(column, len(missing), self.site)
        for at, value in zip(missing, made, strict=True):
            found[at] = UNKNOWN if value is None else value
