"""As much of BSON as it takes to speak to libmongocrypt, without the whole driver."""

from collections.abc import Mapping
from typing import Any

_ID = b"\x05_id\0"


def document(fields: Mapping[str, Any]) -> bytes:
    """A document of text, bytes and further documents (https://bsonspec.org/spec.html)."""
    body = b"".join(_element(name.encode() + b"\0", value) for name, value in fields.items())
    return _length(len(body) + 5) + body + b"\0"


def id_of(stored: bytes) -> bytes:
    """The UUID that is the `_id` of a document."""
    at = stored.index(_ID) + len(_ID) + 5
    return stored[at : at + 16]


def _element(name: bytes, value: Any) -> bytes:
    if isinstance(value, Mapping):
        return b"\x03" + name + document(value)
    if isinstance(value, bytes):
        return b"\x05" + name + _length(len(value)) + b"\0" + value
    text: bytes = value.encode() + b"\0"
    return b"\x02" + name + _length(len(text)) + text


def _length(count: int) -> bytes:
    return count.to_bytes(4, "little")
