"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.sql.elements import Null

from ..attachment import Attachment
from ..codec import encode_all
from ..columns import Pair
from ..envelope import SealedColumn
from ..scalars import JSON_TAG
from ..types import Sealed
from ..valuetypes import ValueCodec

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
            columns.append((context, _encoded(pair, values, context.place)))
        sealed = attachment.envelope.seal_columns(columns, attachment.wait)
        for (pair, values, put), column in zip(self._slots, sealed, strict=True):
            put(_cells(pair, values, column))
            self.sealed.append((values, column))


def _encoded(pair: Pair, values: Sequence[Any], place: str) -> list[bytes | None]:
    codec = pair.type.codec
    if codec.tag != JSON_TAG:
        return encode_all(codec.encode, values, place)
    kept = [value for value in values if not _is_null(value, codec)]
    following = iter(encode_all(codec.encode, kept, place, none=True))
    return [None if _is_null(value, codec) else next(following) for value in values]


def _is_null(value: Any, codec: ValueCodec) -> bool:
    """As SQLAlchemy's JSON has it: `null()` always is, None unless it is JSON's."""
    return isinstance(value, Null) or (value is None and not codec.holds_none)


def _cells(pair: Pair, values: Sequence[Any], column: SealedColumn) -> Cells:
    contents = [None if content is None else Sealed(content) for content in column.contents]
    moving = pair.type.moving
    if moving is None:
        return [contents, column.deks]
    return [contents, column.deks, moving.kept(values, pair.type.reading.context.place)]
