"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Sequence
from typing import Any

from ..attachment import Attachment
from ..codec import encode_all
from ..columns import Pair
from ..envelope import SealedColumn
from ..types import Sealed

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Cells = list[Sequence[Any]]
"""What the columns of a pair are given, a sequence for each in the order of `Pair.columns`."""

Put = Callable[[Cells], None]
"""Takes the cells of the values that were added with it, in order."""


class Batch:
    """Collects plaintexts with the places that their cells go to."""

    def __init__(self) -> None:
        self._slots: list[tuple[Pair, Sequence[Any], Put]] = []
        self.keys: set[str] = set()
        self.sealed: list[tuple[Sequence[Any], SealedColumn]] = []
        """The values of each column and their cells, once sealed."""

    def add(self, pair: Pair, values: Sequence[Any], put: Put) -> None:
        """Values of one column; `put` gets their cells once all are sealed."""
        self._slots.append((pair, values, put))
        self.keys.add(pair.content.key)

    def seal(self, attachment: Attachment) -> None:
        """Seals everything. Raises before anything is put: `InvalidValueError`, `KeyProviderError`."""
        columns = []
        for pair, values, _ in self._slots:
            context = pair.type.reading.context
            columns.append((context, encode_all(pair.type.encode, values, context.place)))
        sealed = attachment.envelope.seal_columns(columns, attachment.wait)
        for (pair, values, put), column in zip(self._slots, sealed, strict=True):
            put(_cells(pair, values, column))
            self.sealed.append((values, column))


def _cells(pair: Pair, values: Sequence[Any], column: SealedColumn) -> Cells:
    contents = [None if content is None else Sealed(content) for content in column.contents]
    moving = pair.type.moving
    if moving is None:
        return [contents, column.deks]
    return [contents, column.deks, moving.kept(values, pair.type.reading.context.place)]
