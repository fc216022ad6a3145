"""The pairs that a database has, found without models or keys: by their guards, and by the record."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from ...keystore.guards import GUARDS, Guard
from ...legacy import Version
from ..record.moves import RecordedMove, recorded
from ..subject.move import Authority, Move

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
    on its way back. `shared`: the sibling serves other columns too, so by itself it is none's.
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
    shared: bool = False


def pairs(connection: "psycopg.Connection[Any]") -> list[StoredPair]:
    """Every pair, those of moves first. Reads catalogs and the record only."""
    rows = connection.execute(GUARDS.encode()).fetchall()
    guards = [_guarded(guard) for guard in map(Guard.of, rows) if guard is not None]
    moves = recorded(connection)
    there = {tuple(row) for row in connection.execute(_COLUMNS).fetchall()} if moves else set()
    back = {row[0] for row in connection.execute(_DECRYPTING).fetchall()} if moves else set()
    moved = [replace(_moved(each, there, guards), decrypting=each.id in back) for each in moves]
    known = {(each.schema, each.table, each.content) for each in moved}
    found = [
        *(each for each in moved if each.content or each.plaintext),
        *(each for each in guards if (each.schema, each.table, each.content) not in known),
    ]
    siblings = Counter((each.schema, each.table, each.dek) for each in found)
    return [
        replace(each, shared=siblings[each.schema, each.table, each.dek] > 1) if each.dek else each
        for each in found
    ]


def _guarded(guard: Guard) -> StoredPair:
    content = guard.content
    return StoredPair(
        guard.schema,
        guard.table,
        content,
        content,
        guard.dek,
        accept=guard.accept,
        guarded=guard.validated,
    )


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
