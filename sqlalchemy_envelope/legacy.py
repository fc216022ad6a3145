"""Versions 1 and 2 as bytes: read on request, never written. They bind nothing and commit to nothing.

Version 2 is one blob `0x02 ‖ u16 length ‖ KMS-wrapped key ‖ nonce 12 ‖ ciphertext and tag`; split, its first
three fields are the sibling's cell. Version 1 is `nonce 12 ‖ ciphertext and tag` with no sibling.
"""

from enum import Enum

from .errors import DecryptionError, Failure
from .wire import CONTENT_MAGIC, MAX_VALUE_BYTES, MAX_WRAPPED_BYTES

NONCE_BYTES = 12
MIN_SEALED_BYTES = NONCE_BYTES + 16
MAX_SEALED_BYTES = MIN_SEALED_BYTES + MAX_VALUE_BYTES
V2_HEAD = 3
NO_SIBLING = b"\x00"
"""Stands before the content where a column that accepts old versions has no wrapped key (see `reading`)."""


class Version(Enum):
    """An older stored format that one column may still read."""

    V1 = 1
    V2 = 2


def split_v2(blob: bytes) -> tuple[bytes, bytes]:
    """The key cell, `0x02 ‖ u16 length ‖ KMS-wrapped key`, and the sealed content of a version 2 blob."""
    if blob[:1] != b"\x02":
        raise DecryptionError(Failure.LONE_CELL if blob[:1] == bytes((CONTENT_MAGIC,)) else Failure.VERSION)
    length = int.from_bytes(blob[1:V2_HEAD], "big")
    end = V2_HEAD + length
    if len(blob) < end or not 0 < length <= MAX_WRAPPED_BYTES:
        raise DecryptionError(Failure.LENGTH)
    if len(blob) == end:
        raise DecryptionError(Failure.LONE_CELL)
    return blob[:end], check_sealed(blob[end:])


def check_sealed(sealed: bytes) -> bytes:
    """`nonce ‖ ciphertext and tag` of a possible length: all of version 1, or the content of version 2."""
    if not MIN_SEALED_BYTES <= len(sealed) <= MAX_SEALED_BYTES:
        raise DecryptionError(Failure.LENGTH)
    return sealed
