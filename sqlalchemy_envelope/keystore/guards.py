"""The encrypted columns that a database has, found in its catalogs by their guards, without models."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from .. import wire
from ..legacy import Version

_CONTENT, _KEY = (bytes((magic, wire.VERSION)).hex() for magic in (wire.CONTENT_MAGIC, wire.KEY_MAGIC))
_NAME = r'(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>\w+))'
_V1, _V2 = r"'\\x5f5f", r"'\\x025f"

GUARDS = """
SELECT n.nspname, c.relname, pg_get_constraintdef(k.oid), k.convalidated
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND k.coninhcount = 0 AND NOT pg_is_other_temp_schema(n.oid)
AND position('~~' IN pg_get_constraintdef(k.oid)) > 0
ORDER BY 1, 2, k.conname
"""
"""Rows for `Guard.of`, which knows a guard. A partition's is its parent's, which is found once."""

_LITERAL = re.compile(r" ~~ '((?:[^']|'')*)'::bytea")
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")


def in_hex(definition: str) -> str:
    """A constraint's definition as PostgreSQL tells it by itself, which a session may have otherwise.

    PostgreSQL writes them by `bytea_output`, and doubles a backslash where `standard_conforming_strings` is
    off. The patterns of guards hold no backslash of their own. It names an operator's schema where
    `search_path` leads to another `~~` first.
    """
    return _LITERAL.sub(_literal_in_hex, definition.replace(" OPERATOR(pg_catalog.~~) ", " ~~ "))


def _literal_in_hex(found: re.Match[str]) -> str:
    text = found[1].replace("\\\\", "\\")
    if not text.startswith("\\x"):
        bytes_ = _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), text).encode("latin-1", "replace")
        text = f"\\x{bytes_.hex()}"
    return f" ~~ '{text}'::bytea"


@dataclass(frozen=True)
class Guard:
    """A guarded pair by its physical names; `validated`: no older row breaks it."""

    schema: str
    table: str
    content: str
    dek: str
    accept: Version | None
    validated: bool

    @classmethod
    def of(cls, row: Any) -> "Guard | None":
        """A row of `GUARDS`; None where it is another constraint that looks like one."""
        schema, table, told, validated = row
        definition = in_hex(told)
        content, dek = (_column_before(definition, magic) for magic in (_CONTENT, _KEY))
        if content is None or dek is None:
            return None
        v1, v2 = (re.search(mark, definition) for mark in (_V1, _V2))
        accept = Version.V2 if v2 else Version.V1 if v1 else None
        return cls(schema, table, content, dek, accept, validated)


def guards(connection: Connection) -> list[Guard]:
    """Every guarded pair, by schema and table."""
    found = map(Guard.of, connection.exec_driver_sql(GUARDS))
    return [guard for guard in found if guard is not None]


def _column_before(definition: str, magic: str) -> str | None:
    """The column that is compared with a literal of this beginning."""
    found = re.search(rf"{_NAME} ~~ '\\x{magic}", definition)
    if found is None:
        return None
    quoted: str | None = found["quoted"]
    return quoted.replace('""', '"') if quoted is not None else found["plain"]
