"""Seal and open with a data key, wrap and unwrap one with a key: every raw cryptographic call is here.

Suite 1: one-step KDF of NIST SP 800-56C Rev. 2 section 4 (auxiliary function SHA-512, no FIPS claim) and
AES-256-GCM (NIST SP 800-38D). Normative text: docs/wire-format.md.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import DecryptionError, Failure
from .legacy import NONCE_BYTES
from .wire import CONTENT_HEAD_BYTES, CONTENT_MAGIC, SALT_BYTES, SEALED_AT, VERSION

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

KEY_BYTES = 32
_LABEL = b"sqlalchemy-envelope/v3/"
# Safe as a fixed nonce, because the salt makes each content key single-use (docs/wire-format.md).
_ZERO_NONCE = bytes(NONCE_BYTES)
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class DataKey(NamedTuple):
    """A data key in the clear and the cell that stores it wrapped."""

    key: bytes
    cell: bytes

    def __repr__(self) -> str:
        return "DataKey()"


class DataKeys(NamedTuple):
    """Many data keys and their cells, in two lists: a tuple a key would set Python's collector to work."""

    keys: list[bytes]
    cells: list[bytes]

    @classmethod
    def of(cls, each: Iterable[DataKey]) -> "DataKeys":
        """From single ones."""
        given = list(each)
        return cls([one.key for one in given], [one.cell for one in given])

    def each(self) -> list[DataKey]:
        """As single ones."""
        return list(map(DataKey, self.keys, self.cells))

    def __repr__(self) -> str:
        return "DataKeys()"


Generate = Callable[[int], DataKeys]
Unwrap = Callable[[bytes], bytes]
Rewrap = Callable[[bytes], bytes]
SealAll = Callable[..., list[bytes]]
Open = Callable[..., bytes]
Digest = Callable[[bytes], bytes]


def derive(key: bytes, label: str, info: bytes) -> bytes:
    """64 bytes: `SHA-512(00000001 ‖ key ‖ label ‖ 00 ‖ info)`. `info` must be prefix-free."""
    return hashlib.sha512(_kdf_start() + key + _LABEL + label.encode("ascii") + b"\0" + info).digest()


def _kdf_start() -> bytes:
    return (1).to_bytes(4, "big")


def key_id(key: bytes) -> bytes:
    """The 16 bytes by which a static key is known: they say nothing about it."""
    return derive(key, "key-id", b"")[:16]


def kms_key_id(arn: str) -> bytes:
    """The 16 bytes by which a KMS key is known; `arn` with its region emptied for a multi-Region key."""
    return hashlib.sha256(_LABEL + b"kms-key-id\0" + arn.encode()).digest()[:16]


def sealer(context: bytes, flags: int) -> SealAll:
    """A function that seals values under one data key each: `(plaintexts, data keys) -> content cells`.

    `context`: encoded content context, unless a third argument has one for each value. `flags`: byte 2 of
    the cell. The salts come from the operating system at each call, so that nothing random outlives a fork.
    """
    head_start = bytes((CONTENT_MAGIC, VERSION, flags))
    before = _kdf_start()
    label = _LABEL + b"content\0" + bytes((flags,))
    sha512, urandom = hashlib.sha512, os.urandom

    def seal_all(
        plaintexts: Sequence[bytes], keys: Sequence[bytes], contexts: Sequence[bytes] | None = None
    ) -> list[bytes]:
        salts = urandom(SALT_BYTES * len(plaintexts))
        cells = []
        at = 0
        each = repeat(context, len(plaintexts)) if contexts is None else contexts
        for plaintext, key, context_ in zip(plaintexts, keys, each, strict=True):
            salt = salts[at : at + SALT_BYTES]
            at += SALT_BYTES
            derived = sha512(before + key + label + salt + context_).digest()
            head = head_start + salt
            sealed = AESGCM(derived[:KEY_BYTES]).encrypt(_ZERO_NONCE, plaintext, head + context_)
            cells.append(head + derived[KEY_BYTES:] + sealed)
        return cells

    return seal_all


def opener(context: bytes, flags: int) -> Open:
    """A function that opens one content cell: `(data key, cell) -> plaintext`, or a `DecryptionError`.

    `context`: encoded content context, unless a third argument has that of the cell.
    The cell must be one that `wire.check_content` takes. The commitment is compared, in constant time, before
    anything is decrypted: a data key that was exchanged can't make the same bytes open to something else.
    """
    before = _kdf_start()
    label = _LABEL + b"content\0" + bytes((flags,))
    sha512, same = hashlib.sha512, hmac.compare_digest

    def open_(key: bytes, cell: bytes, context: bytes = context) -> bytes:
        head = cell[:CONTENT_HEAD_BYTES]
        derived = sha512(before + key + label + head[3:] + context).digest()
        if not same(derived[KEY_BYTES:], cell[CONTENT_HEAD_BYTES:SEALED_AT]):
            raise DecryptionError(Failure.COMMITMENT)
        try:
            return AESGCM(derived[:KEY_BYTES]).decrypt(_ZERO_NONCE, cell[SEALED_AT:], head + context)
        except InvalidTag:
            raise DecryptionError(Failure.TAG) from None

    return open_


def _wrapping_key(key: bytes, head: bytes, context: bytes) -> AESGCM:
    return AESGCM(derive(key, "wrap", head[2:3] + context)[:KEY_BYTES])


def key_generator(key: bytes, head: bytes, context: bytes) -> Generate:
    """A function that makes `n` data keys, wrapped under `key` for one context.

    `head`: bytes 0-20 of the cells, authenticated. `context`: encoded wrap context. Random nonces: at most
    2^32 wraps per key and context (NIST SP 800-38D section 8.3).
    """
    encrypt = _wrapping_key(key, head, context).encrypt
    each = KEY_BYTES + NONCE_BYTES
    urandom = os.urandom

    def generate(count: int) -> DataKeys:
        random = urandom(each * count)
        keys, cells = [], []
        for at in range(0, each * count, each):
            data_key = random[at : at + KEY_BYTES]
            nonce = random[at + KEY_BYTES : at + each]
            keys.append(data_key)
            cells.append(head + nonce + encrypt(nonce, data_key, head))
        return DataKeys(keys, cells)

    return generate


def key_wrapper(key: bytes, head: bytes, context: bytes) -> Rewrap:
    """A function that makes the cell of a 32-byte key, wrapped under `key` as `key_generator` does."""
    encrypt = _wrapping_key(key, head, context).encrypt

    def wrap(wrapped: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + encrypt(nonce, wrapped, head)

    return wrap


def wrap_key(key: bytes, head: bytes, context: bytes, wrapped: bytes) -> bytes:
    """The cell of one 32-byte key that was made elsewhere."""
    return key_wrapper(key, head, context)(wrapped)


def key_unwrapper(key: bytes, head: bytes, context: bytes) -> Unwrap:
    """A function that unwraps the 60 bytes after `head`: the data key, or a `DecryptionError`."""
    decrypt = _wrapping_key(key, head, context).decrypt

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], head)
        except InvalidTag:
            raise DecryptionError(Failure.UNWRAP) from None

    return unwrap


def digester(key: bytes, context: bytes, bits: int) -> Digest:
    """A function that makes the digest of a message under an index key: HMAC-SHA-256, cut to `bits`.

    `context`: encoded index context. The unused low bits of the last byte are zero. The two halves of HMAC
    (RFC 2104) begin from states made here: at a value's length, twice as fast as `hmac.digest`.
    """
    block = derive(key, "index", context)[:KEY_BYTES].ljust(_BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(block.translate(_INNER)).copy
    outer = hashlib.sha256(block.translate(_OUTER)).copy
    size = -(-bits // 8)
    spare = -bits % 8

    def digest(message: bytes) -> bytes:
        hashed, keyed = inner(), outer()
        hashed.update(message)
        keyed.update(hashed.digest())
        return keyed.digest()[:size]

    def cut(message: bytes) -> bytes:
        whole = digest(message)
        return whole[:-1] + bytes((whole[-1] >> spare << spare,))

    return cut if spare else digest


def open_legacy(key: bytes, sealed: bytes) -> bytes:
    """The payload of a version 1 or 2 content, `nonce ‖ ciphertext and tag`: neither bound nor committed."""
    if len(key) != KEY_BYTES:
        raise DecryptionError(Failure.UNWRAP)
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    except InvalidTag:
        raise DecryptionError(Failure.TAG) from None
