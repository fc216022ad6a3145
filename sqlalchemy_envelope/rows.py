"""Which row a value is bound to: its primary key in canonical bytes, and how a row brings it along.

A cell of a bound column is read as `0xEB`, a count (u8), for each column of the primary key a length (u16,
big-endian) and that many bytes, a tag and a payload; and then the pair. An integer is 8 bytes there.
"""

import struct
from collections.abc import Sequence
from uuid import UUID

from .codec import TEXT_TAG, encode_text
from .errors import DecryptionError, Failure, InvalidValueError
from .scalars import INTEGER_TAG, UUID_TAG, encode_integer, encode_uuid

OF_ROW_KEY = 0xEB
KeyValue = int | str | UUID

_MAGIC = bytes((OF_ROW_KEY,))
_INTEGER = INTEGER_TAG[0]
_TAGS = frozenset((INTEGER_TAG[0], UUID_TAG[0], TEXT_TAG[0]))
_pack_length = struct.Struct(">H").pack


def encode_row(parts: Sequence[bytes]) -> bytes:
    """The value of a context's `row`, after its length (u16): of the tagged bytes of each key column, in order.

    Raises `InvalidValueError` for a key that is too long for a context.
    """
    try:
        row = bytes((len(parts),)) + b"".join([_pack_length(len(part)) + part for part in parts])
        return _pack_length(len(row)) + row
    except struct.error:
        pass
    raise InvalidValueError("is bound to its row, whose primary key may have at most 65,000 bytes")


def encode_keys(key: KeyValue | Sequence[KeyValue]) -> bytes:
    """The same of a key's values: one, or one for each column. Raises `InvalidValueError` for another type."""
    return encode_row([encode_key(each) for each in (key if isinstance(key, tuple | list) else (key,))])


def encode_key(value: object) -> bytes:
    """The tagged bytes of a key column's value."""
    if isinstance(value, str):
        return encode_text(value)
    return encode_uuid(value) if isinstance(value, UUID) else encode_integer(value)


def split_row(cell: bytes) -> tuple[bytes, bytes] | None:
    """The row as `encode_row` gives it, and the pair; None where no row stands before it."""
    if cell[:1] != _MAGIC:
        return None
    parts, at = [], 2
    for _ in range(cell[1] if len(cell) > 1 else 0):
        start = at + 2
        at = start + int.from_bytes(cell[start - 2 : start], "big")
        parts.append(_canonical(cell[start:at]))
    if not parts or at > len(cell):
        raise DecryptionError(Failure.LENGTH)
    return encode_row(parts), cell[at:]


def packed_row(row: bytes) -> bytes:
    """What stands before a pair for a row that `encode_row` gave."""
    parts, at = [], 3
    while at < len(row):
        end = at + 2 + int.from_bytes(row[at : at + 2], "big")
        parts.append(_widened(row[at + 2 : end]))
        at = end
    return _MAGIC + row[2:3] + b"".join(_pack_length(len(part)) + part for part in parts)


def _widened(part: bytes) -> bytes:
    if part[0] != _INTEGER:
        return part
    return INTEGER_TAG + int.from_bytes(part[1:], "big", signed=True).to_bytes(8, "big", signed=True)


def _canonical(part: bytes) -> bytes:
    """An integer in its shortest form, everything else as it is."""
    if not part or part[0] not in _TAGS:
        raise DecryptionError(Failure.TYPE)
    return encode_integer(int.from_bytes(part[1:], "big", signed=True)) if part[0] == _INTEGER else part
