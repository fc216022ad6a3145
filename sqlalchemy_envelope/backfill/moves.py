"""The record of moves, `envelope.move`: what was begun, its names now, and whether it was verified."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from ..context import Context
from .move import Authority, Move, ValueType
from .quoting import literal

_COLUMNS = ["schema", "table", "column", "plaintext", "content", "dek", "lasting_dek", "context", "type"]
_COLUMNS += ["in_place", "authority"]
_CHANGING = ("plaintext", "content", "dek", "lasting_dek", "authority")


@dataclass(frozen=True)
class RecordedMove:
    """A move as recorded, by its id. The times are aware."""

    id: int
    move: Move
    verified_at: datetime | None
    plaintext_dropped_at: datetime | None


def record_sql(move: Move) -> str:
    """One statement that records a move as it stands, or brings its record up to date; with literals only."""
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    values = ", ".join(literal(value) for value in _values(move))
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGING)
    return (
        f"INSERT INTO envelope.move ({names}) VALUES ({values})\n"
        f'ON CONFLICT ("schema", "table", "column") DO UPDATE SET {changes}'
    )


def record(connection: "psycopg.Connection[Any]", move: Move) -> RecordedMove:
    """Records a move, or brings its record up to date."""
    connection.execute(record_sql(move).encode())
    wanted = (move.schema, move.table, move.column)
    return next(each for each in recorded(connection) if _place(each.move) == wanted)


def find(connection: "psycopg.Connection[Any]", schema: str, table: str, column: str) -> RecordedMove | None:
    """The recorded move of a column, by the name that its users know; None where there is none."""
    every = recorded(connection)
    return next((each for each in every if _place(each.move) == (schema, table, column)), None)


def recorded(connection: "psycopg.Connection[Any]") -> list[RecordedMove]:
    """Every recorded move, in order; empty where the schema `envelope` has none of our tables."""
    known = connection.execute("SELECT to_regclass('envelope.move')").fetchone()
    if known is None or known[0] is None:
        return []
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    rows = connection.execute(
        f"SELECT id, {names}, verified_at, plaintext_dropped_at FROM envelope.move ORDER BY id".encode()
    )
    return [_recorded(*row) for row in rows]


def _place(move: Move) -> tuple[str, str, str]:
    return move.schema, move.table, move.column


def _recorded(id_: int, *row: Any) -> RecordedMove:
    *values, verified_at, dropped_at = row
    given = dict(zip(_COLUMNS, values, strict=True))
    given["context"] = Context(**given["context"])
    given |= {"type": ValueType(given["type"]), "authority": Authority(given["authority"])}
    return RecordedMove(id_, Move(**given), verified_at, dropped_at)


def _values(move: Move) -> list[Any]:
    names = {"table": move.context.table, "column": move.context.column}
    names |= {"key": move.context.key, "tenant": move.context.tenant}  # type: ignore[dict-item]
    given = asdict(move) | {"context": json.dumps(names)}
    return [given[name] for name in _COLUMNS]
