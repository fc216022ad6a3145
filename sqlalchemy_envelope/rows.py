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

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

OF_ROW_KEY = 0xEB
KeyValue = int | str | UUID

_MAGIC = bytes((OF_ROW_KEY,))
_INTEGER = INTEGER_TAG[0]
_TAGS = frozenset((INTEGER_TAG[0], UUID_TAG[0], TEXT_TAG[0]))
_ONE_INTEGER = bytes((OF_ROW_KEY, 1, 0, 9)) + INTEGER_TAG
_ONE_BYTES = len(_ONE_INTEGER)
_pack_length = struct.Struct(">H").pack


def encode_row(parts: Sequence[bytes]) -> bytes:
    """The value of a context's `row`, after its length (u16), of each key column's tagged bytes.

    Raises `InvalidValueError` for a key that is too long for a context.
    """
    try:
        row = bytes((len(parts),)) + b"".join([_pack_length(len(part)) + part for part in parts])
        return _pack_length(len(row)) + row
    except struct.error:
        pass
    raise InvalidValueError("is bound to its row, whose primary key may have at most 65,000 bytes")


def encode_integer_row(value: int) -> bytes:
    """The same of a key of one integer, at a third of the time."""
    size = (value + (value < 0)).bit_length() // 8 + 1
    return _INTEGER_HEADS[size] + value.to_bytes(size, "big", signed=True)


_INTEGER_HEADS = [struct.pack(">HBH", size + 4, 1, size + 1) + INTEGER_TAG for size in range(10)]
"""What stands before an integer of so many bytes."""


def encode_keys(key: KeyValue | Sequence[KeyValue]) -> bytes:
    """The same of a key: a value, or one for each column. Raises `InvalidValueError` for another type."""
    return encode_row([encode_key(each) for each in (key if isinstance(key, tuple | list) else (key,))])


def encode_key(value: object) -> bytes:
    """The tagged bytes of a key column's value."""
    if isinstance(value, str):
        return encode_text(value)
    return encode_uuid(value) if isinstance(value, UUID) else encode_integer(value)


def split_row(cell: bytes) -> tuple[bytes, bytes] | None:
    """The row as `encode_row` gives it, and the pair; None where no row stands before it."""
    if cell[:_ONE_BYTES] == _ONE_INTEGER:
        end = _ONE_BYTES + 8
        return encode_integer_row(int.from_bytes(cell[_ONE_BYTES:end], "big", signed=True)), cell[end:]
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


def row_sql(key: Sequence[tuple[bytes, str]]) -> str:
    """SQL for what stands before a pair: of each key column the tag of its values, and its own SQL."""
    made, constant = list[str](), _MAGIC + bytes((len(key),))
    for tag, column in key:
        sql, size = _FIXED.get(tag, ("", 0))
        if sql:
            made += [_literal(constant + _pack_length(size + 1) + tag), sql.format(column)]
        else:
            text = f"convert_to({column}::text, 'UTF8')"
            length = f"substr(int4send(octet_length({text}) + 1), 3)"
            made += [_literal(constant), length, _literal(tag), text]
        constant = b""
    return " || ".join(each for each in made if each)


_FIXED = {INTEGER_TAG: ("int8send({}::int8)", 8), UUID_TAG: ("uuid_send({})", 16)}


def _literal(constant: bytes) -> str:
    return f"'\\x{constant.hex()}'::bytea" if constant else ""
