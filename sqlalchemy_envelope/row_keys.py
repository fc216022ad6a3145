"""The data keys of rows, for columns that share them: those known before, and one more for each other row."""

from collections.abc import Sequence
from itertools import zip_longest

from .cipher import DataKey, DataKeys
from .context import Context
from .keyring.keyring import Order

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


class RowKeys:
    """One data key a row. `known`: of each row, where it has one already.

    `one`: a single key for all rows, where one value is written to all of them.
    """

    def __init__(self, known: Sequence[DataKey | None] = (), *, one: bool = False) -> None:
        self._known, self._one = known, one
        self._wanted: list[bool] = []
        self._context: Context | None = None
        self._keys: Sequence[bytes | None] = ()
        self.cells: Sequence[bytes | None] = ()
        """Of each row the cell that its sibling holds; None where the row has no value."""

    def want(self, context: Context, values: Sequence[bytes | None]) -> None:
        """Has a key made for each row that has a value here, and no key."""
        self._context = self._context or context
        there = (value is not None for value in values)
        both = zip_longest(self._wanted, there, fillvalue=False)
        self._wanted = [before or now for before, now in both]
        for place, known in enumerate(self._known):
            self._wanted[place] = self._wanted[place] and known is None

    @property
    def order(self) -> Order:
        """How many keys to make, and for what they are to be wrapped."""
        assert self._context is not None  # noqa: S101 - wanted by a column
        count = sum(self._wanted)
        return self._context, min(count, 1) if self._one else count

    def take(self, issued: DataKeys) -> None:
        """The keys that were made."""
        rows = len(self._wanted)
        if self._one:
            made: list[DataKey | None] = [*issued.each() * rows] or [None] * rows
        else:
            following = iter(issued.each())
            made = [next(following) if wanted else None for wanted in self._wanted]
        both = [known or new for known, new in zip_longest(self._known, made)]
        self._keys = [None if each is None else each.key for each in both]
        self.cells = [None if each is None else each.cell for each in both]

    def of(self, values: Sequence[bytes | None]) -> list[bytes]:
        """The keys of the values that are there."""
        both = zip(values, self._keys, strict=False)  # one value may be all rows'
        return [key for value, key in both if value is not None and key is not None]

    def __repr__(self) -> str:
        return "RowKeys()"
