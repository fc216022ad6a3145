"""The stored bytes, version 3: packing and strict parsing. Knows no keys and opens nothing.

Normative text: docs/wire-format.md. What parses packs to the same bytes; sizes are checked before anything
is opened; a failure is a `DecryptionError` with exactly one cause.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from .errors import DecryptionError, Failure, KeyProviderError

CONTENT_MAGIC = 0xEC
KEY_MAGIC = 0xED
VERSION = 0x03
SUITE_1 = 0x01
TENANT_BOUND = 0x10
ROW_BOUND = 0x20

SALT_BYTES = 16
KEY_ID_BYTES = 16
KEY_HEAD_BYTES = 21
LOCAL_WRAPPED_BYTES = 60
MAX_WRAPPED_BYTES = 4096
CONTENT_HEAD_BYTES = 19
SEALED_AT = 51
MIN_CONTENT_BYTES = SEALED_AT + 1 + 16
MAX_VALUE_BYTES = 256 * 1024 * 1024
MAX_CONTENT_BYTES = MIN_CONTENT_BYTES + MAX_VALUE_BYTES


class Wrap(IntEnum):
    """How a data key is wrapped."""

    STATIC = 0x01
    AWS_KMS = 0x02
    KEK = 0x03


_WRAPS = {int(wrap): wrap for wrap in Wrap}


class KeyCell(NamedTuple):
    """Cell 2: a data key as the sibling column holds it. `key_id` 16 bytes, `wrapped` 60 or at most 4,096."""

    wrap: Wrap
    key_id: bytes
    wrapped: bytes

    @property
    def head(self) -> bytes:
        """Bytes 0-20: everything before the wrapped key, which a local wrap authenticates."""
        return key_head(self.wrap, self.key_id, len(self.wrapped))

    def pack(self) -> bytes:
        """The cell's bytes."""
        return self.head + self.wrapped

    @classmethod
    def parse(cls, cell: bytes) -> "KeyCell":
        """The parts of one whole cell; bytes beyond its stated length are an error."""
        _expect(cell, KEY_MAGIC)
        wrap = _wrap_of(cell)
        if len(cell) < KEY_HEAD_BYTES or len(cell) != KEY_HEAD_BYTES + _wrapped_length(cell, wrap):
            raise DecryptionError(Failure.LENGTH)
        return cls(wrap, cell[3:19], cell[KEY_HEAD_BYTES:])

    def __repr__(self) -> str:
        return "KeyCell()"


class ContentCell(NamedTuple):
    """Cell 1: a sealed value as the column holds it. `flags` is byte 2: suite and bindings."""

    flags: int
    salt: bytes
    commitment: bytes
    sealed: bytes

    def pack(self) -> bytes:
        """The cell's bytes."""
        return content_head(self.flags, self.salt) + self.commitment + self.sealed

    @classmethod
    def parse(cls, cell: bytes, flags: int = SUITE_1) -> "ContentCell":
        """The parts of one whole cell, which must carry just the `flags` that the model expects."""
        check_content(cell, flags)
        return cls(cell[2], cell[3:CONTENT_HEAD_BYTES], cell[CONTENT_HEAD_BYTES:SEALED_AT], cell[SEALED_AT:])

    def __repr__(self) -> str:
        return "ContentCell()"


def check_content(cell: bytes, flags: int = SUITE_1) -> None:
    """That one whole content cell has the form that `ContentCell.parse` takes, without taking it apart."""
    _expect(cell, CONTENT_MAGIC)
    _check_flags(cell, flags)
    if not MIN_CONTENT_BYTES <= len(cell) <= MAX_CONTENT_BYTES:
        raise DecryptionError(Failure.LENGTH)


def key_head(wrap: Wrap, key_id: bytes, length: int) -> bytes:
    """The 21 bytes before a wrapped data key of `length` bytes.

    Raises `KeyProviderError` for what no reader would take back: better no row than one that never opens.
    """
    if len(key_id) != KEY_ID_BYTES or not _possible(wrap, length):
        message = f"the key provider gave a key id of {len(key_id)} bytes and a wrapped key of {length}"
        raise KeyProviderError(f"{message}; a cell takes 16, and 60 or at most 4,096", retryable=False)
    return struct.pack(">BBB16sH", KEY_MAGIC, VERSION, wrap, key_id, length)


def content_head(flags: int, salt: bytes) -> bytes:
    """The 19 bytes before the commitment, which the content authenticates."""
    return bytes((CONTENT_MAGIC, VERSION, flags)) + salt


def split_pair(joined: bytes) -> tuple[bytes, bytes]:
    """The two cells of a pair read as one: the wrapped key says its own length.

    Only the first is checked, since only its length says where the second begins: see `check_content`.
    """
    if joined[:1] == bytes((CONTENT_MAGIC,)):
        raise DecryptionError(Failure.LONE_CELL)
    _expect(joined, KEY_MAGIC)
    wrap = _wrap_of(joined)
    if len(joined) < KEY_HEAD_BYTES:
        raise DecryptionError(Failure.LENGTH)
    end = KEY_HEAD_BYTES + _wrapped_length(joined, wrap)
    if len(joined) < end:
        raise DecryptionError(Failure.LENGTH)
    if len(joined) == end:
        raise DecryptionError(Failure.LONE_CELL)
    return joined[:end], joined[end:]


def _expect(cell: bytes, magic: int) -> None:
    if cell[:1] != bytes((magic,)):
        raise DecryptionError(Failure.MAGIC)
    if cell[1:2] != bytes((VERSION,)):
        raise DecryptionError(Failure.VERSION if len(cell) > 1 else Failure.LENGTH)


def _wrap_of(cell: bytes) -> Wrap:
    if len(cell) < 3:
        raise DecryptionError(Failure.LENGTH)
    wrap = _WRAPS.get(cell[2])
    if wrap is None:
        raise DecryptionError(Failure.WRAP)
    return wrap


def _wrapped_length(cell: bytes, wrap: Wrap) -> int:
    length = int.from_bytes(cell[19:KEY_HEAD_BYTES], "big")
    if not _possible(wrap, length):
        raise DecryptionError(Failure.LENGTH)
    return length


def _possible(wrap: Wrap, length: int) -> bool:
    if wrap is Wrap.AWS_KMS:
        return 0 < length <= MAX_WRAPPED_BYTES
    return length == LOCAL_WRAPPED_BYTES


def _check_flags(cell: bytes, expected: int) -> None:
    if len(cell) < 3:
        raise DecryptionError(Failure.LENGTH)
    if cell[2] & 0x0F != expected & 0x0F:
        raise DecryptionError(Failure.SUITE)
    if cell[2] != expected:
        raise DecryptionError(Failure.FLAGS)
