"""Booleans, numbers, UUIDs and JSON as tagged bytes: there is one way to write each.

Normative text: docs/wire-format.md, section 6.
"""

import json
import math
import re
import struct
from decimal import Decimal
from typing import Never
from uuid import UUID

from .codec import encode_text
from .errors import DecryptionError, Failure, InvalidValueError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

BOOLEAN_TAG = b"\x03"
INTEGER_TAG = b"\x04"
DECIMAL_TAG = b"\x05"
FLOAT_TAG = b"\x06"
UUID_TAG = b"\x0b"
JSON_TAG = b"\x0c"

_BOOLEANS = {BOOLEAN_TAG + b"\0": False, BOOLEAN_TAG + b"\1": True}
_FINITE = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_SPECIAL = {"NaN": b"NaN", "Infinity": b"Infinity", "-Infinity": b"-Infinity"}
_ZERO = re.compile(rb"-0(?:\.0+)?")
_NAN = bytes.fromhex("7ff8000000000000")
_MOST_DIGITS = 131_072
"""Before the point, as PostgreSQL's numeric has it; after it 16,383."""
_MOST_PLACES = 16_383


def refuse(expected: str, value: object) -> Never:
    """Says what is taken and what type was given, never the value."""
    given = type(value).__name__
    del value
    raise InvalidValueError(f"takes {expected}, not {given}")


def encode_boolean(value: object) -> bytes:
    """`0x03` and one byte, 0 or 1. Nothing but True and False is either."""
    if not isinstance(value, bool):
        refuse("bool", value)
    return BOOLEAN_TAG + bytes((value,))


def decode_boolean(tagged: bytes) -> bool:
    """The `bool` behind its tag."""
    known = _BOOLEANS.get(tagged)
    if known is None:
        raise DecryptionError(Failure.TYPE)
    return known


def encode_integer(value: object) -> bytes:
    """`0x04` and the shortest big-endian two's complement of an `int` of any size, at least one byte."""
    if not isinstance(value, int) or isinstance(value, bool):
        refuse("int", value)
    return INTEGER_TAG + value.to_bytes(_bytes_of(value), "big", signed=True)


def decode_integer(tagged: bytes) -> int:
    """The `int` behind its tag; a longer form than needed is refused."""
    if tagged[:1] == INTEGER_TAG and len(tagged) > 1:
        value = int.from_bytes(tagged[1:], "big", signed=True)
        if _bytes_of(value) == len(tagged) - 1:
            return value
    del tagged
    raise DecryptionError(Failure.TYPE)


def _bytes_of(value: int) -> int:
    return (value + (value < 0)).bit_length() // 8 + 1


def encode_decimal(value: object) -> bytes:
    """`0x05` and a `Decimal` in ASCII: digits with its scale kept, no exponent; or NaN, Infinity, -Infinity.

    Zero has no sign. Raises `InvalidValueError` for a signalling NaN, and for more than 131,072 digits
    before the point or 16,383 after it, which PostgreSQL's numeric does not take either.
    """
    if not isinstance(value, Decimal):
        refuse("Decimal", value)
    if not value.is_finite():
        return DECIMAL_TAG + _special(value)
    if _is_too_long(value):
        most = f"{_MOST_DIGITS:,} digits before the point and {_MOST_PLACES:,} after it"
        raise InvalidValueError(f"takes at most {most}")
    text = f"{value:f}".encode()
    return DECIMAL_TAG + (text[1:] if _ZERO.fullmatch(text) else text)


def _special(value: Decimal) -> bytes:
    if value.is_snan():
        raise InvalidValueError("takes no signalling NaN")
    return b"NaN" if value.is_nan() else _SPECIAL[str(value)]


def _is_too_long(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return value.adjusted() >= _MOST_DIGITS or (isinstance(exponent, int) and exponent < -_MOST_PLACES)


def decode_decimal(tagged: bytes) -> Decimal:
    """The `Decimal` behind its tag, with its scale."""
    text = tagged[1:]
    if tagged[:1] == DECIMAL_TAG and (text in _SPECIAL.values() or _is_plain(text)):
        value = Decimal(text.decode("ascii"))
        if not value.is_finite() or not _is_too_long(value):
            return value
    del tagged, text
    raise DecryptionError(Failure.TYPE)


def _is_plain(text: bytes) -> bool:
    return _FINITE.fullmatch(text) is not None and _ZERO.fullmatch(text) is None


def encode_float(value: object) -> bytes:
    """`0x06` and the eight bytes of IEEE 754 binary64, big endian; there is one NaN. Takes an `int` too."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        refuse("float", value)
    try:
        number = float(value)
    except OverflowError:
        number = None
    if number is None:
        del value
        raise InvalidValueError("takes no int that is too large for a float")
    return FLOAT_TAG + (_NAN if math.isnan(number) else struct.pack(">d", number))


def decode_float(tagged: bytes) -> float:
    """The `float` behind its tag."""
    if tagged[:1] == FLOAT_TAG and len(tagged) == 9:
        (number,) = struct.unpack(">d", tagged[1:])
        if not math.isnan(number) or tagged[1:] == _NAN:
            return float(number)
    del tagged
    raise DecryptionError(Failure.TYPE)


def encode_uuid(value: object) -> bytes:
    """`0x0B` and the sixteen bytes of a `UUID`, in network order."""
    if not isinstance(value, UUID):
        refuse("UUID", value)
    return UUID_TAG + value.bytes


def decode_uuid(tagged: bytes) -> UUID:
    """The `UUID` behind its tag."""
    if tagged[:1] != UUID_TAG or len(tagged) != 17:
        raise DecryptionError(Failure.TYPE)
    return UUID(bytes=tagged[1:])


def encode_json(text: object) -> bytes:
    """`0x0C` and the UTF-8 of a JSON text (RFC 8259), as a serializer wrote it: `null` is a value."""
    return JSON_TAG + encode_text(text)[1:]


def decode_json(tagged: bytes) -> str:
    """The JSON text behind its tag, found to be one."""
    text = tagged[1:].decode(errors="replace")
    if tagged[:1] == JSON_TAG and text.encode() == tagged[1:] and _is_json(text):
        return text
    del tagged, text
    raise DecryptionError(Failure.TYPE)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):  # carries the document, so nothing is raised from here
        return False
    return True


def _no_constant(name: str) -> Never:
    raise ValueError("NaN and Infinity are no JSON")
