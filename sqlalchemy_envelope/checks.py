"""The CHECK constraint of a pair: both cells NULL, or both an envelope by magic, version and least length.

It keeps a stray writer from storing plaintext or half a pair. Three plain tests, because PostgreSQL reads a
constraint anew for every statement: one that also compared the stated length cost 2 to 8 µs a row, this one
half of one. A boundary moved between the cells would still have to leave a content that begins as one does.
"""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.sql.elements import conv

from . import wire
from .legacy import MIN_SEALED_BYTES, V2_HEAD, Version

_ANY_BYTE, _ANY_REST = b"_", b"%"
_CONTENT = bytes((wire.CONTENT_MAGIC, wire.VERSION)) + _ANY_BYTE * (wire.MIN_CONTENT_BYTES - 2) + _ANY_REST
_names = postgresql().identifier_preparer  # type: ignore[no-untyped-call]
_KEY = bytes((wire.KEY_MAGIC, wire.VERSION)) + _ANY_BYTE * (wire.KEY_HEAD_BYTES - 1) + _ANY_REST


def check_sql(column: str, dek: str, accept: Version | None) -> str:
    """The constraint's text for a column and its sibling, both named physically."""
    return cells_sql(_quoted(column), _quoted(dek), accept)


def cells_sql(content: str, key: str, accept: Version | None) -> str:
    """The same of two expressions."""
    current = f"({content} IS NULL) = ({key} IS NULL) AND {_like(content, _CONTENT)} AND {_like(key, _KEY)}"
    if accept is None:
        return current
    older = _version_1(content, key) if accept is Version.V1 else _version_2(content, key)
    return f"{content} IS NULL AND {key} IS NULL OR coalesce({current}, false) OR {older}"


def guard_name(table: str, column: str) -> conv:
    """The constraint's name, whole: SQLAlchemy shortens it for the database, and no convention changes it."""
    return conv(f"{table}_{column}_envelope")


def stored_guard(table: str, column: str) -> str:
    """That name as the database has it."""
    guard = CheckConstraint("", name=guard_name(table, column))
    shortened = str(_names.format_constraint(guard, _alembic_quote=False))
    return shortened.encode()[:63].decode(errors="ignore")


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


def stored_index(table: str, column: str) -> str:
    """The name of a blind index's real index, as the database has it."""
    index = Index(conv(f"ix_{table}_{column}"))
    return str(_names.format_constraint(index, _alembic_quote=False)).encode()[:63].decode(errors="ignore")
