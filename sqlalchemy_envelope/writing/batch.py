"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Column
from sqlalchemy.sql.elements import Null

from ..attachment import Attachment
from ..codec import encode_all
from ..envelope import SealedColumn, ToSeal, to_seal
from ..pairs import Pair
from ..scalars import JSON_TAG
from ..tenancy import Parted
from ..types import Sealed
from ..valuetypes import ValueCodec

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Cells = list[Sequence[Any]]
"""What the columns of a pair are given, a sequence for each in the order of `Pair.columns`."""

Put = Callable[[Cells], None]
"""Takes the cells of the values that were added with it, in order."""


class Slot(NamedTuple):
    """Values of one column and where their cells go; `row`: the row of `values([...])`, if one."""

    pair: Pair
    values: Sequence[Any]
    put: Put
    row: Any = None


Whose = Callable[[Pair, Sequence[Any], Any], Sequence[str | None] | None]
"""The tenants of a slot's values; None where the column's context says all."""


Which = Callable[[Pair, Sequence[Any], Any], Sequence[bytes | None] | None]
"""The rows of a slot's values; None where the column is bound to none."""


class Batch:
    """Collects plaintexts with the places that their cells go to."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self.keys: set[str] = set()
        self.sealed: list[tuple[Sequence[Any], SealedColumn]] = []
        """The values of each column and their cells, once sealed."""

    def add(self, pair: Pair, values: Sequence[Any], put: Put, row: Any = None) -> None:
        """Values of one column; `put` gets their cells once all are sealed."""
        self._slots.append(Slot(pair, values, put, row))
        self.keys.add(pair.content.key)

    def writes(self, tenant: Column[Any]) -> bool:
        """Whether a column is written, be it with NULL, whose tenants this one names."""
        return any(each.pair.tenant is tenant for each in self._slots)

    def gives(self, keys: Collection[str]) -> bool:
        """Whether one of these columns is given anything but NULL."""
        slots = (each for each in self._slots if each.pair.content.key in keys)
        return any(not _is_null(value, each.pair.type.codec) for each in slots for value in each.values)

    def seal(self, attachment: Attachment, whose: Whose, which: Which) -> None:
        """Seals everything. Raises before anything is put: `InvalidValueError`, `KeyProviderError`."""
        columns: list[ToSeal] = []
        takes = [_collect(slot, whose, which, columns) for slot in self._slots]
        sealed = iter(attachment.envelope.seal_columns(columns, attachment.wait))
        for (pair, values, put, _), take in zip(self._slots, takes, strict=True):
            column = take(sealed)
            put(_cells(pair, values, column))
            self.sealed.append((values, column))


Take = Callable[[Iterator[SealedColumn]], SealedColumn]


def _collect(slot: Slot, whose: Whose, which: Which, columns: list[ToSeal]) -> Take:
    """Adds a slot's values to what is sealed: a column, or one for each of its tenants."""
    pair, values, _, row = slot
    context = pair.type.reading.context
    encoded = _encoded(pair, values, context.place)
    tenants, rows = whose(pair, encoded, row), which(pair, encoded, row)
    if tenants is None:
        columns.append(ToSeal(context, encoded, rows=rows))
        return next
    parted = Parted(tenants)
    columns += to_seal(context, parted, encoded, rows=rows)

    def take(sealed: Iterator[SealedColumn]) -> SealedColumn:
        parts = list(islice(sealed, len(parted.places)))
        deks, contents = ([getattr(each, name) for each in parts] for name in ("deks", "contents"))
        return SealedColumn(parted.joined(deks), parted.joined(contents))

    return take


def _encoded(pair: Pair, values: Sequence[Any], place: str) -> list[bytes | None]:
    codec = pair.type.codec
    if codec.tag != JSON_TAG:
        return encode_all(pair.type.encode, values, place)
    kept = [value for value in values if not _is_null(value, codec)]
    following = iter(encode_all(pair.type.encode, kept, place, none=True))
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
