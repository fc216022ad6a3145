"""Tables to move over, one after another, and what moving them took."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from sqlalchemy_envelope.backfill.ddl import ddl, trigger
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.record.jobs import record_job
from sqlalchemy_envelope.backfill.record.moves import record
from sqlalchemy_envelope.backfill.subject.move import Move

from .processor import seconds, server_seconds


@dataclass(frozen=True)
class Medians:
    """Of a row: microseconds by the clock and of processors, ours and the server's; and bytes of WAL."""

    micros: float
    wal: float
    here: float
    server: float


@dataclass
class Seen:
    """Of each round: seconds by the clock, bytes of WAL, and seconds of processors, all by rows."""

    times: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)
    here: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def medians(self) -> Medians:
        """Of all rounds."""
        times, wal, here, server = map(statistics.median, (self.times, self.wal, self.here, self.server))
        return Medians(times * 1e6, wal, here * 1e6, server * 1e6)


class Place:
    """A database whose registry is installed. `shape`: SQL that gives a table more than its columns."""

    def __init__(self, database: Database, connection: "psycopg.Connection[Any]", shape: str) -> None:
        self.database, self._connection, self.shape = database, connection, shape
        self._number = 0

    def table(self, count: int) -> Move:
        """A new table with plaintext only, its pair with its guard, and its trigger."""
        self._number += 1
        table = f"person{self._number}_{len(self.shape)}"
        move = Move.plan(table, "email")
        self.execute(
            f"CREATE TABLE {table} (id bigint PRIMARY KEY, email text, born timestamptz NOT NULL);"
            f"INSERT INTO {table} SELECT n, to_char(n, 'fm000000000') || ' and up to thirty-six bytes',"
            f" to_timestamp(hashint8(n)) FROM generate_series(1, {count}) n;" + self.shape.format(table=table)
        )
        for statement in (*ddl.add_pair(move), *trigger.create_trigger(move)):
            self.execute(statement)
        self.execute(f"VACUUM ANALYZE {table}")
        self.execute("CHECKPOINT")
        return move

    def job(self, count: int) -> int:
        """A job over such a table."""
        return record_job(self._connection, record(self._connection, self.table(count)), "encrypt").id

    def execute(self, statement: str) -> None:
        """DDL, or what the server does alone."""
        self._connection.execute(statement.encode())

    def rows(self, query: str, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Of a query that goes on after a key."""
        return self._connection.execute(query.encode(), (after, limit)).fetchall()

    def many(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """One statement for each of the parameters, together in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement.encode(), parameters)

    def one_by_one(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """One statement and transaction for each of the parameters."""
        for each in parameters:
            self._connection.execute(statement.encode(), each)

    @contextmanager
    def timed(self, seen: Seen, rows: int, processes: Sequence[int]) -> Iterator[None]:
        """What is done meanwhile, here, in these processes and by the server, to so many rows."""
        backend = self._connection.info.backend_pid
        before = self._written(), seconds(os.getpid(), *processes), server_seconds(backend)
        began = time.perf_counter()
        yield
        seen.times.append((time.perf_counter() - began) / rows)
        time.sleep(0.2)  # sessions that are closed take a moment to end, and are counted then
        after = self._written(), seconds(os.getpid(), *processes), server_seconds(backend)
        for kept, one, other in zip((seen.wal, seen.here, seen.server), after, before, strict=True):
            kept.append((one - other) / rows)

    def _written(self) -> float:
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
        return float(row[0]) if row else 0.0

    def drop(self) -> None:
        """All tables."""
        query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^person'"
        for (table,) in self._connection.execute(query).fetchall():
            self.execute(f"DROP TABLE {table}")
