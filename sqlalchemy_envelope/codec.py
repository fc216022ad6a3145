"""Python values to tagged bytes and back: the type travels inside the ciphertext, so no reader guesses it."""

from collections.abc import Callable, Iterable

from .errors import DecryptionError, Failure, InvalidValueError
from .wire import MAX_VALUE_BYTES

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

TEXT_TAG = b"\x01"
BYTES_TAG = b"\x02"


Encode = Callable[[object], bytes]
Decode = Callable[[bytes], object]


def encode_all(
    encode: Encode, values: Iterable[object], place: str, *, none: bool = False
) -> list[bytes | None]:
    """Tagged bytes of each value, None for None unless `none` is a value. A failure names the place."""
    try:
        return [None if value is None and not none else encode(value) for value in values]
    except InvalidValueError as error:
        reason = str(error)
    del values  # what prints a traceback's locals finds none here
    raise InvalidValueError(f"{place} {reason}")


def encode_text(value: object) -> bytes:
    """`0x01` and the UTF-8 of a `str`. Raises `InvalidValueError`, which never carries the value."""
    if not isinstance(value, str):
        raise InvalidValueError(f"takes str, not {type(value).__name__}")
    try:
        payload = value.encode()
    except UnicodeEncodeError:
        payload = None
    if payload is None:  # raised out here, so that no traceback carries UnicodeEncodeError.object
        raise InvalidValueError("holds a lone surrogate, which UTF-8 can't encode")
    return TEXT_TAG + _fitting(payload)


def encode_bytes(value: object) -> bytes:
    """`0x02` and a `bytes`. Nothing else passes for one: a `bytearray` is how a sealed cell is known."""
    if not isinstance(value, bytes):
        raise InvalidValueError(f"takes bytes, not {type(value).__name__}")
    return BYTES_TAG + _fitting(value)


def encode_any(value: object) -> bytes:
    """A `str` as text, anything else as bytes: for callers without a column."""
    return encode_text(value) if isinstance(value, str) else encode_bytes(value)


def decode_text(tagged: bytes) -> str:
    """The `str` behind a text tag."""
    if tagged[:1] == TEXT_TAG:
        try:
            return tagged[1:].decode()
        except UnicodeDecodeError:  # carries the bytes, so nothing is raised from here
            pass
    del tagged
    raise DecryptionError(Failure.TYPE)


def decode_bytes(tagged: bytes) -> bytes:
    """The `bytes` behind a bytes tag."""
    if tagged[:1] == BYTES_TAG:
        return tagged[1:]
    del tagged
    raise DecryptionError(Failure.TYPE)


def decode_any(tagged: bytes) -> bytes:
    """The payload behind either tag, the UTF-8 of a text checked all the same."""
    if _is_sound(tagged):
        return tagged[1:]
    del tagged
    raise DecryptionError(Failure.TYPE)


def _is_sound(tagged: bytes) -> bool:
    if tagged[:1] != TEXT_TAG:
        return tagged[:1] == BYTES_TAG
    try:
        tagged[1:].decode()
    except UnicodeDecodeError:
        return False
    return True


def _fitting(payload: bytes) -> bytes:
    if len(payload) > MAX_VALUE_BYTES:
        raise InvalidValueError(f"takes at most {MAX_VALUE_BYTES:,} bytes")
    return payload
