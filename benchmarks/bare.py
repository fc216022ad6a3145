"""The same primitives without any of our code: the floor that everything is measured against."""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sqlalchemy_envelope.context import Context

from .measure import Work

CONTEXT = Context("patient", "ssn")
VALUE = b"\x01" + b"123-45-6789 and up to thirty-six byte"[:36]
_KDF = b"\0\0\0\1"
_LABEL = b"sqlalchemy-envelope/v3/content\0\x01"
_HEAD = b"\xed\x03\x01" + bytes(16) + b"\0\x3c"
_ZERO = bytes(12)


def seal(count: int, value: bytes = VALUE) -> None:
    """Random bytes, a wrap on a warm key, the KDF, a cipher under its key, a seal: `count` times.

    Keeps nothing: what is kept sets Python's collector to work, and the floor would be too high.
    """
    wrap, sha512, urandom = AESGCM(bytes(range(32))).encrypt, hashlib.sha512, os.urandom
    context = CONTEXT.content
    for _ in range(count):
        random = urandom(60)
        key, nonce, salt = random[:32], random[32:44], random[44:]
        wrap(nonce, key, _HEAD)
        derived = sha512(_KDF + key + _LABEL + salt + context).digest()
        AESGCM(derived[:32]).encrypt(_ZERO, value, b"\xec\x03\x01" + salt + context)


def sealed(count: int, value: bytes = VALUE) -> list[tuple[bytes, bytes, bytes]]:
    """What `open_all` opens: the same once more, kept."""
    wrap, sha512, urandom = AESGCM(bytes(range(32))).encrypt, hashlib.sha512, os.urandom
    context, made = CONTEXT.content, []
    for _ in range(count):
        random = urandom(60)
        key, nonce, salt = random[:32], random[32:44], random[44:]
        wrapped = wrap(nonce, key, _HEAD)
        derived = sha512(_KDF + key + _LABEL + salt + context).digest()
        sealed = AESGCM(derived[:32]).encrypt(_ZERO, value, b"\xec\x03\x01" + salt + context)
        made.append((nonce + wrapped, salt + derived[32:], sealed))
    return made


def open_all(sealed: list[tuple[bytes, bytes, bytes]]) -> None:
    """An unwrap on a warm key, the KDF, the commitment compared, a cipher, an open: of each."""
    unwrap, sha512, same = AESGCM(bytes(range(32))).decrypt, hashlib.sha512, hmac.compare_digest
    context = CONTEXT.content
    for wrapped, head, content in sealed:
        key, salt = unwrap(wrapped[:12], wrapped[12:], _HEAD), head[:16]
        derived = sha512(_KDF + key + _LABEL + salt + context).digest()
        if not same(derived[32:], head[16:]):
            raise AssertionError
        AESGCM(derived[:32]).decrypt(_ZERO, content, b"\xec\x03\x01" + salt + context)


def work(count: int, *, reads: bool) -> Work:
    """So many seals, or opens."""
    if not reads:
        return lambda: seal(count)
    given = sealed(min(count, 1_000))  # kept, and so walked by Python's collector

    def read() -> None:
        for _ in range(count // len(given)):
            open_all(given)

    return read
