"""Where a move stands: what is recorded of it, and what its table lacks. Counts, never values."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg

from ...errors import ConfigurationError
from ..ddl.gate import gate_name
from ..postgres.database import Database
from ..postgres.quoting import has_constraint, identifier, relation
from ..record.moves import RecordedMove, find
from ..record.schema import install
from ..subject.move import Authority, Move


@dataclass
class Standing:
    """A recorded move and the columns that its table had when it was looked at.

    Rows are counted when they are asked for, once: that is a scan of the table.
    """

    database: Database
    recorded: RecordedMove
    columns: frozenset[str]

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

    @property
    def gated(self) -> bool:
        """Whether the table's own CHECK proves that no row is pending."""
        gate = gate_name(self.move.handed_back())
        return bool(self._ask(has_constraint(self.move, gate, "convalidated")))

    @cached_property
    def pending(self) -> int:
        """The rows whose value is in the plaintext alone."""
        return self._count(self.move.plaintext, self.move.content)

    @cached_property
    def sealed(self) -> int:
        """The rows whose value is in the pair alone."""
        return self._count(self.move.content, self.move.plaintext)

    @property
    def has_pairs(self) -> bool:
        """Whether any row has a pair."""
        return self.has_pair and self._ask(
            f"EXISTS ({self._rows} {identifier(self.move.content)} IS NOT NULL)"
        )

    @property
    def has_values(self) -> bool:
        """Whether any row has a plaintext."""
        kept = f"EXISTS ({self._rows} {identifier(self.move.plaintext)} IS NOT NULL)"
        return self.has_plaintext and self._ask(kept)

    def _count(self, there: str, missing: str) -> int:
        if not {there, missing} <= self.columns:
            return 0
        condition = f"{identifier(there)} IS NOT NULL AND {identifier(missing)} IS NULL"
        return int(self._ask(f"(SELECT count(*) FROM {relation(self.move)} WHERE {condition})"))

    @property
    def _rows(self) -> str:
        return f"SELECT FROM {relation(self.move)} WHERE"

    def _ask(self, what: str) -> Any:
        with self.database.asked("count") as connection:
            found = connection.execute(f"SELECT {what}".encode()).fetchone()
        return None if found is None else found[0]


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
    with database.asked("move") as connection:
        recorded = find(connection, move.schema, move.table, move.column)
        if recorded is None:
            return None
        _refuse_hidden(connection, move)
        return Standing(database, recorded, columns_of(connection, move))


def _refuse_hidden(connection: "psycopg.Connection[Any]", move: Move) -> None:
    """What is counted, verified and set to NULL must be all there is."""
    asked = "SELECT row_security_active(oid) FROM pg_catalog.pg_class WHERE oid = to_regclass(%s)"
    found = connection.execute(asked, [relation(move)]).fetchone()
    if found and found[0]:
        raise ConfigurationError(
            f"{move.place}: row security hides rows of {move.table} from this role; connect as one with"
            " BYPASSRLS"
        )


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
    with database.asked("schema") as connection:
        install(connection)
