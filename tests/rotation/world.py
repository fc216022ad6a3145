"""A table of encrypted values beside what they should open to: what a rotation's test stands on."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import make_url

from sqlalchemy_envelope import Context, DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.checks import check_sql, guard_name

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
BRISK = Pace(target=0.05, least=10, patience=20.0, replica_lag=None, archive_backlog=None, vacuum=None)
TABLE = (
    "CREATE TABLE patient (id bigint PRIMARY KEY, ssn bytea, ssn_dek bytea, value text,"
    " visits int NOT NULL DEFAULT 0, CONSTRAINT {guard} CHECK ({check}))"
)


def before() -> Envelope:
    """Under the key of before."""
    return Envelope(DirectKeyring(StaticKey(OLD)))


def after() -> Envelope:
    """Under the new key; the old one still opens. A function, so that it goes to other processes by name."""
    return Envelope(DirectKeyring(StaticKey(NEW, previous=[OLD])))


@dataclass
class World:
    """The table `patient`, and a connection to look at it from outside."""

    database: Database
    connection: "psycopg.Connection[Any]" = field(repr=False)
    context: Context = field(default_factory=lambda: Context("patient", "ssn"))

    @classmethod
    def of(cls, url: str) -> "World":
        """The table made, with its guard."""
        database = Database.of(make_url(url))
        world = cls(database, database.connect("test"))
        world.execute(
            TABLE.format(guard=guard_name("patient", "ssn"), check=check_sql("ssn", "ssn_dek", None))
        )
        return world

    def fill(self, rows: int, envelope: Envelope | None = None, first: int = 1) -> None:
        """Rows with a value each, sealed by an envelope: that of before, unless another is given."""
        values = [f"value {n}" for n in range(first, first + rows)]
        cells = (envelope or before()).seal_many(values, self.context)
        numbered = zip(itertools.count(first), cells, values)
        with self.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for number, (dek, content), value in numbered:
                copy.write_row((number, content, dek, value))

    def execute(self, statement: str, parameters: Any = None) -> "psycopg.Cursor[Any]":
        """In autocommit mode, over the onlooker's connection."""
        return self.connection.execute(statement.encode(), parameters)

    def value(self, query: str) -> Any:
        """One value."""
        row = self.execute(query).fetchone()
        assert row is not None
        return row[0]

    def wrong(self, envelope: Envelope) -> int:
        """How many rows do not open to what they should, by an envelope."""
        rows = self.execute("SELECT ssn_dek, ssn, value FROM patient").fetchall()
        return sum(not opens(envelope, self.context, row) for row in rows)

    def under(self, key_id: bytes) -> int:
        """How many rows have a data key that is wrapped under this key."""
        found = self.execute("SELECT count(*) FROM patient WHERE substr(ssn_dek, 4, 16) = %b", [key_id])
        return int(found.fetchone()[0])  # type: ignore[index]

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """By number."""
        return self.execute(f"SELECT {columns} FROM patient ORDER BY id").fetchall()


_COPY = "COPY patient (id, ssn, ssn_dek, value) FROM STDIN"


def opens(envelope: Envelope, context: Context, row: Sequence[Any]) -> bool:
    """Whether a row's pair opens to the value beside it."""
    dek, content, value = row
    try:
        return envelope.open_many([(dek, content)], context) == [
            value.encode() if value is not None else None
        ]
    except Exception:  # noqa: BLE001 - however it fails
        return False
