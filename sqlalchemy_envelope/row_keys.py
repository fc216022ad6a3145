"""The data keys of rows, for columns that share them: known before, or made once for all columns of a row."""

from collections.abc import Sequence
from itertools import zip_longest

from .cipher import DataKeys
from .context import Context
from .keyring.keyring import Order

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


class RowKeys:
    """One data key a row. `known`: of each row, where its key is there already.

    `one`: a single key for all rows, where one value is written to all of them.
    """

    def __init__(self, known: DataKeys | None = None, *, one: bool = False) -> None:
        self.known = known is not None
        self._one = one
        self._wanted: list[bool] = []
        self._context: Context | None = None
        self._keys: Sequence[bytes | None] = [] if known is None else known.keys
        self.cells: Sequence[bytes | None] = [] if known is None else known.cells
        """Of each row the cell that its sibling holds; None where the row has no value."""

    def want(self, context: Context, values: Sequence[bytes | None]) -> None:
        """Has a key made for each row that has a value here."""
        self._context = self._context or context
        there = (value is not None for value in values)
        both = zip_longest(self._wanted, there, fillvalue=False)
        self._wanted = [before or now for before, now in both]

    @property
    def order(self) -> Order:
        """How many keys to make, and for what they are to be wrapped."""
        assert self._context is not None  # noqa: S101 - made with a column
        count = sum(self._wanted)
        return self._context, min(count, 1) if self._one else count

    def take(self, issued: DataKeys) -> None:
        """The keys that were made."""
        if self._one:
            self._keys = issued.keys * len(self._wanted)
            self.cells = issued.cells * len(self._wanted) or [None] * len(self._wanted)
            return
        keys, cells = iter(issued.keys), iter(issued.cells)
        self._keys = [next(keys) if wanted else None for wanted in self._wanted]
        self.cells = [next(cells) if wanted else None for wanted in self._wanted]

    def of(self, values: Sequence[bytes | None]) -> list[bytes]:
        """The keys of the values that are there."""
        both = zip(values, self._keys, strict=False)  # one value may be all rows'
        return [key for value, key in both if value is not None and key is not None]

    def __repr__(self) -> str:
        return "RowKeys()"
