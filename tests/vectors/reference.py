"""The wire format written out a second time, from docs/wire-format.md, for making vectors: no library code.

Slow, plain and with every part open to change, because a vector of a failure is a value with one thing wrong.
The KDF here is `ConcatKDFHash`, the library's is `hashlib`: each vector shows the two equal.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

LABEL = "sqlalchemy-envelope/v3/"
ZERO_NONCE = bytes(12)

Names = dict[str, Any]
"""Logical names; `row` has the type and value of each primary-key column, in order."""


def fixed(name: str, length: int) -> bytes:
    """`length` bytes that look random and depend on `name` alone: new vectors never move old ones."""
    return hashlib.shake_256(f"sqlalchemy-envelope test vectors\0{name}".encode()).digest(length)


def kdf(key: bytes, label: str, info: bytes) -> bytes:
    """64 bytes of the one key derivation."""
    return ConcatKDFHash(SHA512(), 64, label.encode("ascii") + b"\0" + info).derive(key)


def encode(names: Names) -> bytes:
    """The canonical bytes of a context."""
    out = len(names).to_bytes(1, "big")
    for name in sorted(names):
        value = row_of(names[name]) if name == "row" else names[name].encode()
        out += len(name).to_bytes(1, "big") + name.encode() + len(value).to_bytes(2, "big") + value
    return out


def row_of(key: list[list[str]]) -> bytes:
    """A primary key: how many columns, and of each its length and tagged value."""
    tagged = {
        "integer": lambda value: b"\x04" + _shortest(int(value)),
        "text": lambda value: b"\x01" + value.encode(),
        "uuid": lambda value: b"\x0b" + bytes.fromhex(value.replace("-", "")),
    }
    out = len(key).to_bytes(1, "big")
    for type_, value in key:
        part = tagged[type_](value)
        out += len(part).to_bytes(2, "big") + part
    return out


def _shortest(value: int) -> bytes:
    return next(
        value.to_bytes(size, "big", signed=True)
        for size in range(1, 20)
        if -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1)
    )


def content_context(place: Names) -> bytes:
    """What binds a content."""
    return encode({name: place[name] for name in ("table", "column", "tenant", "row") if name in place})


def wrap_names(place: Names) -> Names:
    """What binds a wrapped data key, as names."""
    return {name: place[name] for name in ("table", "key", "tenant") if name in place}


def flags_of(place: Names) -> int:
    """Byte 2 of the content."""
    return 0x01 | (0x10 if "tenant" in place else 0) | (0x20 if "row" in place else 0)


def seal(data_key: bytes, place: Names, salt: bytes, plaintext: bytes, **wrong: Any) -> bytes:
    """A content cell. `wrong` replaces any part: flags, context, nonce, aad, commitment."""
    flags = wrong.get("flags", flags_of(place))
    context = wrong.get("context", content_context(place))
    head = bytes([0xEC, 0x03, flags]) + salt
    derived = kdf(data_key, LABEL + "content", head[2:] + context)
    aad = wrong.get("aad", head + context)
    sealed = AESGCM(derived[:32]).encrypt(wrong.get("nonce", ZERO_NONCE), plaintext, aad)
    return head + wrong.get("commitment", derived[32:]) + sealed


def key_head(wrap: int, key_id: bytes, length: int) -> bytes:
    """The 21 bytes before a wrapped data key."""
    return bytes([0xED, 0x03, wrap]) + key_id + length.to_bytes(2, "big")


def static_id(key: bytes) -> bytes:
    """The id of a static key."""
    return kdf(key, LABEL + "key-id", b"")[:16]


def kms_id(arn: str) -> bytes:
    """The id of a KMS key; a multi-Region key's region is emptied first."""
    parts = arn.split(":", 5)
    if parts[5].startswith("key/mrk-"):
        parts[3] = ""
    return hashlib.sha256(f"{LABEL}kms-key-id\0{':'.join(parts)}".encode()).digest()[:16]


def wrap_locally(wrap: int, key_id: bytes, key: bytes, place: Names, data_key: bytes, nonce: bytes) -> bytes:
    """A key cell under a static key (`0x01`) or a key-encryption key (`0x03`)."""
    head = key_head(wrap, key_id, 60)
    wrapping = kdf(key, LABEL + "wrap", head[2:3] + encode(wrap_names(place)))[:32]
    return head + nonce + AESGCM(wrapping).encrypt(nonce, data_key, head)


def seal_old(key: bytes, nonce: bytes, payload: bytes) -> bytes:
    """The content of versions 1 and 2."""
    return nonce + AESGCM(key).encrypt(nonce, payload, None)


@dataclass(frozen=True)
class Sample:
    """One value in its two cells and all that a reader is given; `opens` and `fails` tell it as a vector."""

    place: Names
    dek: bytes | None
    content: bytes | None
    keys: dict[str, Any]
    made_from: dict[str, str] = field(default_factory=dict)
    type: str = "text"
    accept: int | None = None
    joined: bool = True

    def but(self, **changes: Any) -> "Sample":
        """The same with some fields changed."""
        return replace(self, **changes)

    def at(self, **names: Any) -> "Sample":
        """The same, read in another place."""
        return replace(self, place={**self.place, **names})

    def opens(self, name: str, why: str, payload: bytes | None) -> dict[str, Any]:
        """A vector that opens to `payload`."""
        made_from = {"made_from": self.made_from} if self.made_from else {}
        return {**self._told(name, why), **made_from, "payload": _hex(payload)}

    def fails(self, name: str, why: str, failure: str) -> dict[str, Any]:
        """A vector that fails with just this failure."""
        return {**self._told(name, why), "failure": failure}

    def _told(self, name: str, why: str) -> dict[str, Any]:
        return {
            "name": name,
            "why": why,
            "kind": "open",
            "context": self.place,
            "type": self.type,
            "accept": self.accept,
            "keys": self.keys,
            "dek": _hex(self.dek),
            "content": _hex(self.content),
            "joined": self.joined,
        }


def _hex(cell: bytes | None) -> str | None:
    return None if cell is None else cell.hex()
