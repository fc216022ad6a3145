"""Versions 1 and 2 as bytes: read on request, never written. They bind nothing and commit to nothing.

Version 2 is one blob `0x02 ‖ u16 length ‖ KMS-wrapped key ‖ nonce 12 ‖ ciphertext and tag`; split, its first
three fields are the sibling's cell. Version 1 is `nonce 12 ‖ ciphertext and tag` with no sibling.
"""

from enum import Enum

from .errors import DecryptionError, Failure

NONCE_BYTES = 12
MIN_SEALED_BYTES = NONCE_BYTES + 16
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
        raise DecryptionError(Failure.VERSION)
    end = V2_HEAD + int.from_bytes(blob[1:V2_HEAD], "big")
    if end == V2_HEAD or len(blob) < end + MIN_SEALED_BYTES:
        raise DecryptionError(Failure.LENGTH)
    return blob[:end], blob[end:]


def check_v1(blob: bytes) -> bytes:
    """A version 1 blob of a possible length."""
    if len(blob) < MIN_SEALED_BYTES:
        raise DecryptionError(Failure.LENGTH)
    return blob
