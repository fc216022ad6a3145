"""The pairs that a database has, found without models or keys: by their guards, and by the record."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from .. import wire
from ..legacy import Version
from .move import Authority, Move
from .moves import RecordedMove, recorded

_CONTENT, _KEY = (bytes((magic, wire.VERSION)).hex() for magic in (wire.CONTENT_MAGIC, wire.KEY_MAGIC))
_NAME = r'(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>\w+))'
_V1, _V2 = r"'\\x5f5f", r"'\\x025f"

_GUARDS = f"""
SELECT n.nspname, c.relname, pg_get_constraintdef(k.oid), k.convalidated
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND k.coninhcount = 0 AND NOT pg_is_other_temp_schema(n.oid)
AND position('''\\x{_CONTENT}' IN pg_get_constraintdef(k.oid)) > 0
AND position('''\\x{_KEY}' IN pg_get_constraintdef(k.oid)) > 0
ORDER BY 1, 2, k.conname
"""

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
AND (n.nspname, c.relname) IN (SELECT "schema", "table" FROM envelope.move)
"""

_DECRYPTING = "SELECT DISTINCT move FROM envelope.job WHERE kind = 'decrypt' AND state <> 'done'"


@dataclass(frozen=True)
class StoredPair:
    """A pair as it stands. `guarded`: its CHECK is there and validated; `plaintext`: where there is one yet.

    `content` and `dek` are None where a move is recorded whose pair is not made yet; `decrypting`: a job is
    on its way back.
    """

    schema: str
    table: str
    column: str
    content: str | None
    dek: str | None
    plaintext: str | None = None
    accept: Version | None = None
    guarded: bool = False
    authority: Authority | None = None
    verified_at: datetime | None = None
    move: int | None = None
    decrypting: bool = False


def pairs(connection: "psycopg.Connection[Any]") -> list[StoredPair]:
    """Every pair, those of moves first. Reads catalogs and the record only."""
    rows = connection.execute(_GUARDS.encode()).fetchall()
    guards = [pair for row in rows if (pair := _guarded(*row)) is not None]
    moves = recorded(connection)
    there = {tuple(row) for row in connection.execute(_COLUMNS).fetchall()} if moves else set()
    back = {row[0] for row in connection.execute(_DECRYPTING).fetchall()} if moves else set()
    moved = [replace(_moved(each, there, guards), decrypting=each.id in back) for each in moves]
    known = {(each.schema, each.table, each.content) for each in moved}
    return [
        *(each for each in moved if each.content or each.plaintext),
        *(each for each in guards if (each.schema, each.table, each.content) not in known),
    ]


def _guarded(schema: str, table: str, definition: str, validated: bool) -> StoredPair | None:
    content, dek = (_column_before(definition, magic) for magic in (_CONTENT, _KEY))
    if content is None or dek is None:
        return None
    v1, v2 = (re.search(mark, definition) for mark in (_V1, _V2))
    accept = Version.V2 if v2 else Version.V1 if v1 else None
    return StoredPair(schema, table, content, content, dek, accept=accept, guarded=validated)


def _column_before(definition: str, magic: str) -> str | None:
    """The column that is compared with a literal of this beginning."""
    found = re.search(rf"{_NAME} ~~ '\\x{magic}", definition)
    if found is None:
        return None
    quoted: str | None = found["quoted"]
    return quoted.replace('""', '"') if quoted is not None else found["plain"]


def _moved(known: RecordedMove, there: "set[tuple[Any, ...]]", guards: list[StoredPair]) -> StoredPair:
    move = known.move
    guard = next((each for each in guards if _place(each) == (move.schema, move.table, move.content)), None)
    whole = _has(there, move, move.content) and _has(there, move, move.dek)
    return StoredPair(
        move.schema,
        move.table,
        move.column,
        move.content if whole else None,
        move.dek if whole else None,
        plaintext=move.plaintext if _has(there, move, move.plaintext) else None,
        accept=guard.accept if guard else None,
        guarded=guard is not None and guard.guarded,
        authority=move.authority,
        verified_at=known.verified_at,
        move=known.id,
    )


def _has(there: "set[tuple[Any, ...]]", move: Move, name: str) -> bool:
    return (move.schema, move.table, name) in there


def _place(pair: StoredPair) -> tuple[str, str, str | None]:
    return pair.schema, pair.table, pair.content
