"""A table with plaintext, its pair, trigger, record and jobs: what a backfill's test stands on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.ddl import ddl, trigger
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.job.running import Report
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.record import schema
from sqlalchemy_envelope.backfill.record.jobs import Job, record_job
from sqlalchemy_envelope.backfill.record.moves import record
from sqlalchemy_envelope.backfill.subject.move import Authority, Move

KEY = bytes(range(32))
BRISK = Pace(target=0.05, least=10, patience=20.0)
TABLE = "CREATE TABLE customer (id bigint PRIMARY KEY, email text, visits int NOT NULL DEFAULT 0)"


def envelope() -> Envelope:
    """An envelope under a static key; a function, so that it goes to other processes by name."""
    return Envelope(DirectKeyring(StaticKey(KEY)))


@dataclass
class World:
    """One move of one database, and a connection to look at it from outside."""

    database: Database
    connection: "psycopg.Connection[Any]"
    move: Move

    @classmethod
    def of(cls, url: str, table: str = TABLE, move: Move | None = None) -> "World":
        """The table made, its pair and trigger beside it, and its move recorded."""
        database = Database(url)
        world = cls(database, database.connect("test"), move or Move.plan("customer", "email"))
        world.connection.execute(table.encode())
        schema.install(world.connection)
        world.apply([*ddl.add_pair(world.move), *trigger.create_trigger(world.move)])
        world.record()
        return world

    @property
    def table(self) -> str:
        """Its quoted name."""
        return f'"{self.move.schema}"."{self.move.table}"'

    def apply(self, statements: Sequence[str]) -> None:
        """Runs DDL, of whose locks nothing is to be feared here."""
        for statement in statements:
            self.connection.execute(statement.encode())

    def record(self) -> None:
        """The move as it stands."""
        self.recorded = record(self.connection, self.move)

    def give_authority(self, authority: Authority) -> None:
        """Hands the truth over, with the trigger that goes with it."""
        self.move = replace(self.move, authority=authority)
        self.apply(trigger.create_trigger(self.move))
        self.record()

    def fill(self, rows: int) -> None:
        """Numbers from 1, each with an address."""
        self.execute(
            f"INSERT INTO {self.table} (id, email)"
            f" SELECT n, 'somebody' || n || '@example.org' FROM generate_series(1, {rows}) n"
        )

    def execute(self, statement: str, parameters: Any = None) -> "psycopg.Cursor[Any]":
        """In autocommit mode, over the onlooker's connection."""
        return self.connection.execute(statement.encode(), parameters)

    def value(self, query: str) -> Any:
        """One value."""
        row = self.execute(query).fetchone()
        assert row is not None
        return row[0]

    def job(self, kind: str = "encrypt", source: str | None = None) -> Job:
        """The job of a kind that is not done yet, or a new one."""
        return record_job(self.connection, self.recorded, kind, source)

    def run(self, kind: str = "encrypt", **options: Any) -> Report:
        """Runs the job of a kind to its end."""
        options = {"envelope": envelope, "pace": BRISK, **options}
        return run(self.database, self.job(kind).id, **options)

    def wrong(self) -> int:
        """How many rows have no pair that opens to the plaintext."""
        return len(self.wrong_rows())

    def wrong_rows(self) -> list[tuple[Any, ...]]:
        """The rows whose pair is missing, does not open, or opens to something else."""
        move = self.move
        columns = f'"{move.plaintext}", "{move.dek}", "{move.content}"'
        rows = self.execute(f"SELECT {columns}, ctid::text FROM {self.table}").fetchall()
        opened = envelope().open_many([(dek, content) for _, dek, content, _ in rows], move.context)
        return [row for row, value in zip(rows, opened, strict=True) if _stored(row[0]) != value]

    def state(self) -> list[tuple[Any, ...]]:
        """Every cell of the pair, in the order of its bytes."""
        columns = f'"{self.move.content}", "{self.move.dek}"'
        return self.execute(f"SELECT {columns} FROM {self.table} ORDER BY 1").fetchall()


def _stored(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
