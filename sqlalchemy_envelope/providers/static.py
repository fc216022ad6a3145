"""A key from the application's own configuration: for development, tests, and the way to and from a KMS."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Literal, Never

from .. import cipher
from ..context import WrapContext
from ..errors import ConfigurationError, DecryptionError, Failure
from ..wire import LOCAL_WRAPPED_BYTES, KeyCell, Wrap, key_head

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_HEX = re.compile(r"[0-9a-fA-F]+")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})=?")
_FORMS = "a static key is 32 raw bytes, 64 hexadecimal digits or 44 characters of base64"
_REMEDY = "; make one with: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"


class StaticKey:
    """Wraps data keys under a 32-byte key that the application holds.

    `key`: 32 raw bytes, or text: 64 hexadecimal digits, or base64. `previous`: older keys, which still
    open and never wrap. Raises `ConfigurationError` for a wrong length or alphabet and for 32 equal bytes.
    """

    local: Literal[True] = True

    def __init__(self, key: bytes | str, previous: Iterable[bytes | str] = ()) -> None:
        if isinstance(previous, bytes | str):
            raise ConfigurationError("previous= takes a list of keys, not one key")
        self._keys = [parse_key(each) for each in (key, *previous)]
        self._heads = [key_head(Wrap.STATIC, cipher.key_id(each), LOCAL_WRAPPED_BYTES) for each in self._keys]

    @property
    def key_name(self) -> str:
        """`static:` and the id of the key that wraps, in hexadecimal."""
        return f"static:{self.key_id.hex()}"

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which cells name the key that wraps."""
        return cipher.key_id(self._keys[0])

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """The cell of a 32-byte key that was made elsewhere."""
        return cipher.wrap_key(self._keys[0], self._heads[0], context.wrap, key)

    def wrapper(self, context: WrapContext) -> cipher.Rewrap:
        """A function that makes the cells of 32-byte keys that were made elsewhere."""
        return cipher.key_wrapper(self._keys[0], self._heads[0], context.wrap)

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key under the first key; a `DecryptionError` where none unwraps it."""
        unwrap = self.unwrappers(context).get(cell.head)
        if unwrap is None:
            raise DecryptionError(Failure.UNKNOWN_KEY, context.place)
        return self.wrap(unwrap(cell.wrapped), context)

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether one of the keys has this id."""
        return wrap is Wrap.STATIC and key_id in map(cipher.key_id, self._keys)

    def generator(self, context: WrapContext) -> cipher.Generate:
        """A function that makes `n` data keys wrapped for `context`."""
        return cipher.key_generator(self._keys[0], self._heads[0], context.wrap)

    def unwrappers(self, context: WrapContext) -> Mapping[bytes, cipher.Unwrap]:
        """What unwraps a key cell, by its first 21 bytes: one entry a key."""
        pairs = zip(self._keys, self._heads, strict=True)
        return {head: cipher.key_unwrapper(key, head, context.wrap) for key, head in pairs}

    def open_v1(self, blob: bytes) -> bytes:
        """The payload of a version 1 blob. It names no key, so each is tried."""
        for key in self._keys:
            try:
                return cipher.open_legacy(key, blob)
            except DecryptionError:
                continue
        raise DecryptionError(Failure.TAG)

    def __repr__(self) -> str:
        return f"StaticKey(<hidden>, previous=<{len(self._keys) - 1}>)"

    def __reduce__(self) -> Never:
        raise TypeError("a StaticKey holds key bytes and is not pickled; make one in each process")


def parse_key(key: bytes | str) -> bytes:
    """The 32 bytes of a key given raw, in hexadecimal or in base64."""
    if not isinstance(key, bytes | str):
        raise ConfigurationError(f"a static key is bytes or str, not {type(key).__name__}")
    raw = key if isinstance(key, bytes) and len(key) == cipher.KEY_BYTES else _decode(key)
    if raw == raw[:1] * cipher.KEY_BYTES:
        raise ConfigurationError("a static key of 32 equal bytes is no key" + _REMEDY)
    return raw


def _decode(key: bytes | str) -> bytes:
    """Lengths tell the forms apart: 64 is hexadecimal, 43 or 44 base64, 32 the bytes themselves."""
    text = (key if isinstance(key, str) else key.decode("ascii", "replace")).strip()
    if len(text) == 2 * cipher.KEY_BYTES and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text):
        return _decode_base64(text)
    raw = text.encode("utf-8", "replace")
    if len(raw) == cipher.KEY_BYTES and not _HEX.fullmatch(text):  # 32 hexadecimal digits are 16 bytes
        return raw
    raise ConfigurationError(_FORMS + _REMEDY)


def _decode_base64(text: str) -> bytes:
    standard = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        raw = base64.b64decode(standard + "=", validate=True)
    except binascii.Error:
        raw = b""
    if base64.b64encode(raw) != (standard + "=").encode():  # stray bits: a damaged key, not another one
        raise ConfigurationError("a static key's base64 is damaged" + _REMEDY)
    return raw
