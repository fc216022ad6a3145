"""The CHECK constraint of a pair: both cells NULL, or both an envelope by magic, version and length.

It keeps a stray writer from storing plaintext or half a pair. Byte patterns and no functions: PostgreSQL
reads a constraint anew for every statement, and a clearer one with get_byte() cost 8 µs a row, this one 1.
"""

from . import wire
from .legacy import MIN_SEALED_BYTES, V2_HEAD, Version

_ANY_BYTE, _ANY_REST = b"_", b"%"
_CONTENT = bytes((wire.CONTENT_MAGIC, wire.VERSION)) + _ANY_BYTE * (wire.MIN_CONTENT_BYTES - 2) + _ANY_REST
_KEY_MAGIC = bytes((wire.KEY_MAGIC, wire.VERSION))
_LOCAL_KEY = (
    _KEY_MAGIC
    + _ANY_BYTE * (1 + wire.KEY_ID_BYTES)
    + wire.LOCAL_WRAPPED_BYTES.to_bytes(2, "big")
    + _ANY_BYTE * wire.LOCAL_WRAPPED_BYTES
)
_KMS_KEY = _KEY_MAGIC + bytes((wire.Wrap.AWS_KMS,)) + _ANY_BYTE * (wire.KEY_HEAD_BYTES - 2) + _ANY_REST


def check_sql(column: str, dek: str, accept: Version | None) -> str:
    """The constraint's text for a column and its sibling, both named physically."""
    content, key = _quoted(column), _quoted(dek)
    current = (
        f"({content} IS NULL) = ({key} IS NULL) AND {_like(content, _CONTENT)}"
        f" AND ({_like(key, _LOCAL_KEY)} OR {_like(key, _KMS_KEY)})"
    )
    if accept is None:
        return current
    older = _version_1(content, key) if accept is Version.V1 else _version_2(content, key)
    return f"{content} IS NULL AND {key} IS NULL OR coalesce({current}, false) OR {older}"


def _version_1(content: str, key: str) -> str:
    sealed = _ANY_BYTE * MIN_SEALED_BYTES + _ANY_REST
    return f"{key} IS NULL AND {content} IS NOT NULL AND {_like(content, sealed)}"


def _version_2(content: str, key: str) -> str:
    """Unsplit, or with the wrapped key in the sibling."""
    whole = b"\x02" + _ANY_BYTE * (V2_HEAD + MIN_SEALED_BYTES) + _ANY_REST
    wrapped = b"\x02" + _ANY_BYTE * V2_HEAD + _ANY_REST
    sealed = _ANY_BYTE * MIN_SEALED_BYTES + _ANY_REST
    return (
        f"{key} IS NULL AND {content} IS NOT NULL AND {_like(content, whole)}"
        f" OR {content} IS NOT NULL AND {key} IS NOT NULL"
        f" AND {_like(key, wrapped)} AND {_like(content, sealed)}"
    )


def _like(cell: str, pattern: bytes) -> str:
    """A byte pattern: `_` is any byte, `%` any rest. None has a backslash, which would escape."""
    return f"{cell} LIKE '\\x{pattern.hex()}'::bytea"


def _quoted(name: str) -> str:
    """A quoted identifier, safe in SQLAlchemy's text(), which reads :name as a parameter."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'
