"""The record of moves, `envelope.move`: what was begun, its names now, and whether it was verified."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from ...context import Context
from ...padding import Padding
from ..postgres.quoting import literal, relation
from ..subject.move import Authority, Move
from ..subject.valuetype import ValueType

_COLUMNS = ["schema", "table", "column", "plaintext", "content", "dek", "lasting_dek", "context", "type"]
_COLUMNS += ["in_place", "authority"]
_CHANGING = ("plaintext", "content", "dek", "lasting_dek", "authority")

EXISTS = "SELECT to_regclass('envelope.move')"
"""NULL where nothing was ever recorded."""

QUERY = (
    "SELECT id, "
    + ", ".join(f'"{name}"' if name != "context" else "context::text" for name in _COLUMNS)
    + ", verified_at, plaintext_dropped_at FROM envelope.move ORDER BY id"
)
"""Every recorded move; each row is for `parsed`."""


@dataclass(frozen=True)
class RecordedMove:
    """A move as recorded, by its id. The times are aware."""

    id: int
    move: Move
    verified_at: datetime | None
    plaintext_dropped_at: datetime | None

    @property
    def subject(self) -> Move:
        """What its jobs are about."""
        return self.move


def record_sql(move: Move) -> str:
    """One statement that records a move as it stands, or brings its record up to date; with literals only."""
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGING)
    return f"{_insert(move)} {changes}"


def begin_sql(move: Move) -> str:
    """One statement that records a move that has no pair yet; leaves one that has, wherever it stands.

    A column of the pair's name alone is no pair: the table may have been made anew, plain.
    """
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS[3:])
    changes += ", verified_at = NULL, begun_at = now(), plaintext_dropped_at = NULL"
    cells = (
        f"SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = {literal(relation(move))}::regclass"
        " AND attname IN (move.content, move.dek) AND atttypid = 'bytea'::regtype AND NOT attisdropped"
    )
    return f"{_insert(move)} {changes} WHERE ({cells}) < 2"


FORGET_RANGES = """
DELETE FROM envelope.job_range AS range USING envelope.job JOIN envelope.move ON move.id = job.move
WHERE range.job = job.id AND job.created_at < move.begun_at
AND move."schema" = %s AND move."table" = %s AND move."column" = %s"""
"""What jobs of an earlier move had left to do, in another table perhaps: a verification would go on there."""


def record(connection: "psycopg.Connection[Any]", move: Move) -> RecordedMove:
    """Records a move, or brings its record up to date."""
    connection.execute(record_sql(move).encode())
    wanted = (move.schema, move.table, move.column)
    return next(each for each in recorded(connection) if _place(each.move) == wanted)


def find(connection: "psycopg.Connection[Any]", schema: str, table: str, column: str) -> RecordedMove | None:
    """The recorded move of a column, by the name that its users know; None where there is none."""
    every = recorded(connection)
    return next((each for each in every if _place(each.move) == (schema, table, column)), None)


def find_by_content(
    connection: "psycopg.Connection[Any]", schema: str, table: str, content: str
) -> Move | None:
    """The move whose pair has its content in this column now; None where there is none."""
    every = [each.move for each in recorded(connection)]
    wanted = (schema, table, content)
    return next((each for each in every if (each.schema, each.table, each.content) == wanted), None)


def recorded(connection: "psycopg.Connection[Any]") -> list[RecordedMove]:
    """Every recorded move, in order; empty where the schema `envelope` has none of our tables."""
    known = connection.execute(EXISTS).fetchone()
    if known is None or known[0] is None:
        return []
    return [parsed(*row) for row in connection.execute(QUERY.encode())]


def parsed(id_: int, *row: Any) -> RecordedMove:
    """A recorded move from a row of `QUERY`, by whichever driver."""
    *values, verified_at, dropped_at = row
    given = dict(zip(_COLUMNS, values, strict=True))
    context = json.loads(given["context"])
    row, pad = tuple(context.pop("row_columns", ())), context.pop("pad", None)
    given |= {"tenant": context.pop("tenant_column", None), "shared": context.pop("shared", False)}
    given |= {"pad": None if pad is None else Padding(**pad)}
    given |= {"row": row, "context": Context(**context, bind_row=bool(row))}
    given |= {"type": ValueType(given["type"]), "authority": Authority(given["authority"])}
    return RecordedMove(id_, Move(**given), verified_at, dropped_at)


def mark_verified(connection: "psycopg.Connection[Any]", id_: int) -> None:
    """Notes that every pair of a move was opened and compared, or that there was none."""
    connection.execute("UPDATE envelope.move SET verified_at = now() WHERE id = %s", [id_])


def _place(move: Move) -> tuple[str, str, str]:
    return move.schema, move.table, move.column


def _insert(move: Move) -> str:
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    values = ", ".join(literal(value) for value in _values(move))
    return (
        f"INSERT INTO envelope.move ({names}) VALUES ({values})\n"
        'ON CONFLICT ("schema", "table", "column") DO UPDATE SET'
    )


def _values(move: Move) -> list[Any]:
    names = {"table": move.context.table, "column": move.context.column}
    names |= {"key": move.context.key, "tenant": move.context.tenant}  # type: ignore[dict-item]
    names |= {} if move.tenant is None else {"tenant_column": move.tenant}
    names |= {"row_columns": move.row} if move.row else {}  # type: ignore[dict-item]
    names |= {"shared": True} if move.shared else {}  # type: ignore[dict-item]
    names |= {} if move.pad is None else {"pad": asdict(move.pad)}  # type: ignore[dict-item]
    given = asdict(move) | {"context": json.dumps(names)}
    return [given[name] for name in _COLUMNS]
