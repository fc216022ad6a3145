"""Where a move stands: what is recorded of it, and what its table lacks. Counts, never values."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ..errors import ConfigurationError
from .database import Database
from .move import Authority, Move
from .moves import RecordedMove, find
from .quoting import identifier, relation
from .schema import install


@dataclass(frozen=True)
class Standing:
    """A recorded move, the columns that its table has now, and the rows that lack one side.

    `pending`: rows whose value is in the plaintext alone. `sealed`: rows whose value is in the pair alone.
    Both are counted afresh.
    """

    recorded: RecordedMove
    columns: frozenset[str]
    pending: int
    sealed: int

    @property
    def move(self) -> Move:
        """The move with the names of the present."""
        return self.recorded.move

    @property
    def has_pair(self) -> bool:
        """Whether both cells have their columns."""
        return {self.move.content, self.move.dek} <= self.columns

    @property
    def has_plaintext(self) -> bool:
        """Whether the plaintext has its column."""
        return self.move.plaintext in self.columns

    @property
    def verified(self) -> bool:
        """Whether every pair was opened and compared."""
        return self.recorded.verified_at is not None

    @property
    def given(self) -> bool:
        """Whether the pair is the truth."""
        return self.move.authority is Authority.PAIR


def look(database: Database, move: Move) -> Standing:
    """How a recorded move stands. Raises `ConfigurationError` where there is none."""
    found = look_for(database, move)
    if found is None:
        raise ConfigurationError(
            f"{move.place}: no move of this column was begun in schema {move.schema}; add its pair first "
            "(op.encrypt_column, op.add_encrypted_pair)"
        )
    return found


def look_for(database: Database, move: Move) -> Standing | None:
    """The same; None where there is no move."""
    with database.connect("move") as connection:
        recorded = find(connection, move.schema, move.table, move.column)
        if recorded is None:
            return None
        columns = columns_of(connection, move)
        return Standing(recorded, columns, *_counts(connection, recorded.move, columns))


def columns_of(connection: "psycopg.Connection[Any]", move: Move) -> frozenset[str]:
    """The names of a table's columns; none where there is no such table."""
    rows = connection.execute(
        "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attnum > 0 AND NOT attisdropped",
        [relation(move)],
    )
    return frozenset(name for (name,) in rows)


def installed(database: Database) -> None:
    """Makes the schema `envelope` where it isn't there."""
    with database.connect("schema") as connection:
        install(connection)


def _counts(connection: "psycopg.Connection[Any]", move: Move, columns: frozenset[str]) -> tuple[int, int]:
    if not {move.plaintext, move.content} <= columns:
        return 0, 0
    plaintext, content = identifier(move.plaintext), identifier(move.content)
    row = connection.execute(
        (
            f"SELECT count(*) FILTER (WHERE {plaintext} IS NOT NULL AND {content} IS NULL),"
            f" count(*) FILTER (WHERE {content} IS NOT NULL AND {plaintext} IS NULL) FROM {relation(move)}"
        ).encode()
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def has_pairs(connection: "psycopg.Connection[Any]", move: Move) -> bool:
    """Whether any row has a pair."""
    query = f"SELECT EXISTS (SELECT FROM {relation(move)} WHERE {identifier(move.content)} IS NOT NULL)"
    found = connection.execute(query.encode()).fetchone()
    return found is not None and bool(found[0])
