"""Values on their way between a pair and its plaintext column: as a source reads them, as a pair opens."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

from ...envelope import Envelope
from ...forms import comparable
from ...opening import Reading
from ...tenancy import Tenancy
from ..postgres.faults import RowError
from ..postgres.names import quoted
from ..subject.move import Move
from ..subject.valuetype import ValueType
from .places import joined, selected_place
from .sources import FormSource, PlainSource, Raw, Scene, Selected, Source

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

ROUNDED = frozenset({"numeric", "float4", "time", "timetz", "timestamp", "timestamptz", "interval"})
"""Types, by their bare names, that may have fewer digits than what is written to them, and say nothing."""


def usual_source(move: Move) -> Source:
    """What reads the plaintext column where nothing else was given."""
    return PlainSource() if move.type.is_as_it_is else FormSource(move.type.stored.form)


def pair_of(move: Move) -> list[Selected]:
    """What to select of a pair, and with it whose the row is and which."""
    return [Selected(quoted(move.dek)), Selected(quoted(move.content)), *selected_place(move)]


def read(source: Source, rows: Sequence[Raw], move: Move, envelope: Envelope) -> list[Any]:
    """As a source reads them; text may come as UTF-8."""
    values = source.values(rows, Scene(move.context, move.type, envelope))
    types = set(map(type, values))
    if type(None) in types:
        raise RowError("read as NULL")
    if move.type is ValueType.TEXT and bytes in types:
        return [value.decode() if type(value) is bytes else value for value in values]
    return list(values)


def opened(move: Move, envelope: Envelope) -> Callable[[Sequence[Raw]], list[Any]]:
    """A function from rows of a pair, as `pair_of` selects it, to values; all keys fetched in one wave."""
    reading = Reading(move.context, tenancy=None if move.tenant is None else Tenancy.ROW)
    opener = envelope.opener(reading)
    read_pair = opener.reader(move.type.stored.form.decode)

    def open_rows(rows: Sequence[Raw]) -> list[Any]:
        cells = [joined(move, dek, content, place) for dek, content, *place in rows]
        unlocked = envelope.unlock_columns([(reading, cells)])[0]
        return [read_pair(pair) for pair in unlocked if pair is not None]

    return open_rows


def written(move: Move, values: Sequence[Any], base: str) -> list[Any]:
    """What PostgreSQL reads the values from, for a column of a type: text, or bytes for bytes.

    Raises `RowError` where it would drop a zone, or make one up.
    """
    if move.type.is_as_it_is:
        return list(values)
    if base in {"timestamp", "timestamptz", "time", "timetz"}:
        zoned = base.endswith("tz")
        if any((value.tzinfo is not None) is not zoned for value in values):
            raise RowError("without a zone" if zoned else "with a zone")
    return list(map(move.type.stored.form.text, values))


def compared(move: Move, base: str | None) -> Callable[[Any], bytes]:
    """A function that makes bytes of a value, the same of all that its plaintext column takes for one.

    `base`: the column's type by its bare name, or None. `char(n)` has blanks at the end that are no part of
    a value, and `real` fewer digits.
    """
    if not move.type.is_as_it_is:
        return _rounded if base == "float4" else lambda value: repr(comparable(value)).encode()
    return _unpadded if base == "bpchar" else _bytes


def _rounded(value: float) -> bytes:
    return struct.pack(">f", value)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _unpadded(value: Any) -> bytes:
    return _bytes(value).rstrip(b" ")
