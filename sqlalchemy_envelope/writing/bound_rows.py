"""Which row each value of a statement is written to, for columns that are bound to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from ..primary_key import PrimaryKey
from .execution import Execution
from .site import Site
from .tenants import UNKNOWN

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class BoundRows:
    """The rows of one execution by their primary keys.

    `rows`: of the rows of parameters. `grouped`: of those of `values([...])`, by identity.
    """

    def __init__(self, execution: Execution, site: Site) -> None:
        self.execution = execution
        self.target = execution.target
        self.site = site
        self.bound = self.target.declared.bound
        self.columns: list[Column[Any]] = next(iter(self.bound.values())).row if self.bound else []
        self.rows: list[bytes | None] = []
        self.grouped: dict[int, bytes | None] = {}

    @property
    def is_needed(self) -> bool:
        """Whether a bound column is given anything but NULL."""
        return bool(self.bound) and self.execution.batch.gives(self.bound)

    def of(self, pair: Pair, values: Sequence[Any], row: Any) -> Sequence[bytes | None] | None:
        """The row of each value; None where the column is bound to none.

        Raises `UnsupportedStatementError` where nothing tells it.
        """
        if not pair.type.bind_row:
            return None
        if all(value is None for value in values):
            return [None] * len(values)
        found = self._found(pair, len(values), row)
        if None in found:
            both = zip(values, found, strict=True)
            if any(value is not None and of is None for value, of in both):
                raise self.missing(pair)
        return found

    def encoded(self, parts: Sequence[Sequence[Any]]) -> list[bytes | None]:
        """The rows of keys, of the values of each column; None where a part of one is unknown."""
        encode = PrimaryKey(self.columns).encoded
        if not any(None in part or UNKNOWN in part for part in parts):
            return list(encode(parts))
        keys = zip(*parts, strict=True)
        return [
            None if None in key or UNKNOWN in key else encode([[each] for each in key])[0] for key in keys
        ]

    def missing(self, pair: Pair) -> UnsupportedStatementError:
        """What to say where a value is given for rows that nothing tells."""
        raise NotImplementedError

    @property
    def named(self) -> str:
        """The primary key, for messages."""
        return ", ".join(str(each.name) for each in self.columns)

    def _found(self, pair: Pair, count: int, row: Any) -> list[bytes | None]:
        if row is not None:
            return [self.grouped.get(id(row))]
        found = list(self.grouped.values()) or self.rows
        if len(found) == count:
            return found
        different = set(found)
        if len(different) > 1:
            raise UnsupportedStatementError(
                f"{pair.type.reading.context.place} is bound to its row, and one value can't be sealed for "
                "several: give each row its own, by a named bindparam() or in its parameters"
            )
        return [*different] * count if different else [None] * count
