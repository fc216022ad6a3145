"""Padding: a value's length in the stored bytes tells the bucket that it falls in, and no more.

Inside the plaintext, so authenticated: tag with bit 0x40, u32 length, payload, zeros. Normative text:
docs/wire-format.md, section 6.
"""

import struct
from dataclasses import dataclass

from .errors import ConfigurationError, DecryptionError, Failure, InvalidValueError
from .wire import MAX_VALUE_BYTES

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

PADDED = 0x40
HEAD_BYTES = 5
"""The tag and the length before the payload."""
MAX_PLAINTEXT_BYTES = 1 + MAX_VALUE_BYTES


@dataclass(frozen=True)
class Padding:
    """Which lengths stored plaintexts may have, in bytes: multiples of `multiple`, or powers of two.

    `multiple=64` makes 64, 128, 192 …; `least=64` makes 64, 128, 256 …, a byte in two at worst. A bucket
    holds 5 bytes less than its length. Exactly one of the two, from 16 to 2^20.
    """

    multiple: int | None = None
    least: int | None = None

    def __post_init__(self) -> None:
        given = [size for size in (self.multiple, self.least) if size is not None]
        if len(given) != 1 or type(given[0]) is not int or not 16 <= given[0] <= 2**20:
            raise ConfigurationError("Padding takes multiple= or least=, 16 to 1,048,576 bytes")
        if self.least is not None and self.least & (self.least - 1):
            raise ConfigurationError("Padding(least=) is a power of two")

    def bucket(self, size: int) -> int:
        """The least length that `size` bytes fit into."""
        if self.multiple is not None:
            return -(-size // self.multiple) * self.multiple
        return max(self.least or 0, 1 << (size - 1).bit_length())

    def pad(self, tagged: bytes) -> bytes:
        """A tagged plaintext filled up to its bucket, the last of which is the most that a cell holds.

        Raises `InvalidValueError` for a value that leaves no room for its length.
        """
        used = HEAD_BYTES - 1 + len(tagged)
        if used > MAX_PLAINTEXT_BYTES:
            raise InvalidValueError(f"takes at most {MAX_PLAINTEXT_BYTES - HEAD_BYTES:,} bytes where padded")
        filling = min(self.bucket(used), MAX_PLAINTEXT_BYTES) - used
        return struct.pack(">BI", tagged[0] | PADDED, len(tagged) - 1) + tagged[1:] + bytes(filling)


def is_padded(tagged: bytes) -> bool:
    """Whether a plaintext says that it is padded."""
    return bool(tagged[:1]) and tagged[0] & PADDED != 0


def unpadded(tagged: bytes) -> bytes:
    """A plaintext without its padding, if it has any. Raises `DecryptionError` where that is malformed."""
    if not is_padded(tagged):
        return tagged
    end = HEAD_BYTES + int.from_bytes(tagged[1:HEAD_BYTES], "big")
    if len(tagged) >= HEAD_BYTES and end <= len(tagged) and not tagged[end:].strip(b"\0"):
        return bytes((tagged[0] ^ PADDED,)) + tagged[HEAD_BYTES:end]
    del tagged
    raise DecryptionError(Failure.TYPE)
