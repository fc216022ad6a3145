"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Column
from sqlalchemy.sql.elements import Null

from ..attachment import Attachment
from ..codec import encode_all
from ..context import for_tenant
from ..envelope import SealedColumn, ToSeal
from ..pairs import Pair
from ..scalars import JSON_TAG
from ..tenancy import Parted
from ..types import Sealed
from ..valuetypes import ValueCodec
from .digests import Digests, Encoded
from .twins import Twins

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


class Batch:
    """Collects plaintexts with the places that their cells go to."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self.keys: set[str] = set()
        self.sealed: list[tuple[Sequence[Any], SealedColumn]] = []
        """The values of each column and their cells, once sealed."""
        self.indexed: list[Sequence[bytes | None]] = []
        """The cells of blind indexes."""
        self.twins: Twins = {}

    def add(self, pair: Pair, values: Sequence[Any], put: Put, row: Any = None) -> None:
        """Values of one column; `put` gets their cells once all are sealed."""
        self._slots.append(Slot(pair, values, put, row))
        self.keys.add(pair.content.key)

    def writes(self, tenant: Column[Any]) -> bool:
        """Whether a column is written, be it with NULL, whose tenants this one names."""
        return any(each.pair.tenant is tenant for each in self._slots)

    def seal(self, attachment: Attachment, whose: Whose, *, inserts: bool) -> None:
        """Seals everything. Raises before anything is put: `InvalidValueError`, `KeyProviderError`."""
        columns: list[ToSeal] = []
        encoded = [_encode(slot, whose) for slot in self._slots]
        takes = [_collect(each, columns) for each in encoded]
        digests = Digests(encoded, inserts)
        cells = digests.made(attachment)
        self.twins = digests.twins
        sealed = iter(attachment.envelope.seal_columns(columns, attachment.wait))
        for (pair, values, put, _), take, indexed in zip(self._slots, takes, cells, strict=True):
            column = take(sealed)
            put([*_cells(pair, values, column), *indexed])
            self.sealed.append((values, column))
            self.indexed += indexed


Take = Callable[[Iterator[SealedColumn]], SealedColumn]


def _encode(slot: Slot, whose: Whose) -> Encoded:
    pair, values, _, row = slot
    encoded = _encoded(pair, values, pair.type.reading.context.place)
    return Encoded(pair, encoded, whose(pair, encoded, row), row)


def _collect(given: Encoded, columns: list[ToSeal]) -> Take:
    """Adds a slot's values to what is sealed: a column, or one for each of its tenants."""
    pair, encoded, tenants, _ = given
    context = pair.type.reading.context
    if tenants is None:
        columns.append(ToSeal(context, encoded))
        return next
    parted = Parted(tenants)
    columns += [ToSeal(for_tenant(context, of), part) for of, part in parted.parts(encoded)]

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
