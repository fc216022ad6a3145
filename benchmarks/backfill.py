"""A backfill beside what the server alone needs: the same bytes set in the same rows, all constant."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill import ddl, schema, trigger
from sqlalchemy_envelope.backfill.database import Database
from sqlalchemy_envelope.backfill.jobs import record_job
from sqlalchemy_envelope.backfill.move import Move
from sqlalchemy_envelope.backfill.moves import record
from sqlalchemy_envelope.backfill.run import run as run_job
from sqlalchemy_envelope.testing import FakeKms

from .figures import Report
from .kms import AT_ONCE, LATENCY, fake_envelope
from .processor import seconds, server_seconds

BATCH = 2_000
PLAIN = ""
INDEXED = "CREATE INDEX ON {table} (born); CREATE INDEX ON {table} (email)"
SHAPES = {"": PLAIN, "with two more indexes: ": INDEXED}


def static_envelope() -> Envelope:
    """An envelope under a static key, in whichever process."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


def run(report: Report, url: sa.URL) -> None:
    """The suite, in a database of its own on that server."""
    count, rounds = (2_000, 1) if report.quick else (200_000, 5)
    report.suite("backfill", f"{count:,} rows of 36 bytes, median of {rounds} rounds, variants in turn")
    with (
        _scratch_database(url) as database,
        closing(database.connect("benchmark")) as connection,
        ProcessPoolExecutor(2, get_context("spawn")) as processes,
    ):
        schema.install(connection)
        for told, shape in list(SHAPES.items())[: 1 if report.quick else None]:
            _against_the_server(report, told, _Bench(database, connection, shape), count, rounds, processes)
        bench = _Bench(database, connection, PLAIN)
        _strict(report, bench, 500 if report.quick else 20_000)
        _memory(report, bench, (1_000, 5_000) if report.quick else (100_000, 2_000_000))


@dataclass
class _Seen:
    """Of each round: seconds by the clock, bytes of WAL, and seconds of processors, ours and the server's."""

    times: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)
    here: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)


class _Bench:
    def __init__(self, database: Database, connection: "psycopg.Connection[Any]", shape: str) -> None:
        self.database, self._connection, self._shape = database, connection, shape
        self._number = 0

    def table(self, count: int) -> Move:
        """A new table with plaintext only, its pair with its guard, and its trigger."""
        self._number += 1
        table = f"person{self._number}_{len(self._shape)}"
        move = Move.plan(table, "email")
        self.execute(
            f"CREATE TABLE {table} (id bigint PRIMARY KEY, email text, born timestamptz NOT NULL);"
            f"INSERT INTO {table} SELECT n, to_char(n, 'fm000000000') || ' and up to thirty-six bytes',"
            f" to_timestamp(hashint8(n)) FROM generate_series(1, {count}) n;"
            + self._shape.format(table=table)
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
        self._connection.execute(statement.encode())

    @contextmanager
    def timed(self, seen: "_Seen", processes: Sequence[int]) -> Iterator[None]:
        backend = self._connection.info.backend_pid
        before = self._written(), seconds(os.getpid(), *processes), server_seconds(backend)
        began = time.perf_counter()
        yield
        seen.times.append(time.perf_counter() - began)
        time.sleep(0.2)  # sessions that are closed take a moment to end, and are counted then
        after = self._written(), seconds(os.getpid(), *processes), server_seconds(backend)
        for kept, one, other in zip((seen.wal, seen.here, seen.server), after, before, strict=True):
            kept.append(one - other)

    def _written(self) -> float:
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
        return float(row[0]) if row else 0.0


def _against_the_server(
    report: Report, told: str, bench: _Bench, count: int, rounds: int, processes: ProcessPoolExecutor
) -> None:
    list(processes.map(time.sleep, [0.2] * 2))  # starts them
    workers = list(processes._processes)
    names = ("at once", "in batches", "one worker", "two processes")
    seen = {name: _Seen() for name in names}
    for each in range(rounds + (rounds > 1)):
        if each == 1:  # the first round warms the server
            seen = {name: _Seen() for name in names}
        for name, batch in (("at once", count), ("in batches", BATCH)):
            move = bench.table(count)
            with bench.timed(seen[name], workers):
                _set_constants(bench, move, count, batch)
        for name, number, executor in (("one worker", 1, None), ("two processes", 2, processes)):
            job = bench.job(count)
            with bench.timed(seen[name], workers):
                run_job(bench.database, job, static_envelope, workers=number, executor=executor)
        _drop(bench)
    _tell(report, told, seen, count)


def _tell(report: Report, told: str, seen: dict[str, _Seen], count: int) -> None:
    median = {name: statistics.median(each.times) for name, each in seen.items()}
    for name, each in seen.items():
        said = {"at once": "constants set at once", "in batches": f"constants set in batches of {BATCH:,}"}
        line = f"{told}{said.get(name, name)}"
        report.add(line, count / median[name] / 1000, "thousand rows a second")
        for place, used in (("here", each.here), ("server", each.server)):
            report.add(f"{line}: processor, {place}", statistics.median(used) / count * 1e6, "µs a row")
    for name, aim in (("one worker", 2.0), ("two processes", 1.25)):
        against = f"{told}{name}: time, against constants"
        report.add(f"{against} at once", median[name] / median["at once"], "×", aim)
        report.add(f"{against} in batches", median[name] / median["in batches"], "×")
    for name in ("at once", "one worker"):
        report.add(f"{told}{name}: WAL", statistics.median(seen[name].wal) / count, "bytes a row")


def _set_constants(bench: _Bench, move: Move, count: int, batch: int) -> None:
    dek, content = static_envelope().seal_many(["000000000 and up to thirty-six bytes"], move.context)[0]
    assert dek is not None
    assert content is not None
    sets = f"{move.content} = '\\x{content.hex()}', {move.dek} = '\\x{dek.hex()}'"
    for after in range(0, count, batch):
        bench.execute(f"UPDATE {move.table} SET {sets} WHERE id > {after} AND id <= {after + batch}")


def _strict(report: Report, bench: _Bench, count: int) -> None:
    fake = FakeKms(delay=LATENCY, insecure=True)
    strict = fake_envelope(fake)
    done = run_job(bench.database, bench.job(count), lambda: strict)
    _drop(bench)
    ideal = count / AT_ONCE * LATENCY
    report.add(f"KMS of {LATENCY * 1000:.0f} ms, {AT_ONCE} at once", count / done.seconds, "rows a second")
    report.add(
        f"the same, ideally: {AT_ONCE / LATENCY:,.0f} rows a second; time against it",
        done.seconds / ideal,
        "×",
    )


def _memory(report: Report, bench: _Bench, counts: tuple[int, int]) -> None:
    peaks = []
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.backfill", bench.database.url, str(bench.job(count))]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks.append(int(told) / 1024)
        _drop(bench)
        report.add(f"most memory of a worker's process, {count:,} rows", peaks[-1], "MiB")
    report.add(f"{counts[1]:,} rows against {counts[0]:,}", peaks[1] / peaks[0], "×", 1.1)


def _drop(bench: _Bench) -> None:
    found = bench._connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'person%'")
    for (name,) in found.fetchall():
        bench.execute(f"DROP TABLE {name}")


@contextmanager
def _scratch_database(url: sa.URL) -> Iterator[Database]:
    """A database dropped afterwards: a job keeps its records in a schema of one name."""
    name = f"envelope_benchmark_{time.time_ns()}"
    with closing(Database.of(url).connect("benchmark")) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield Database.of(url.set(database=name))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _work(url: str, job: str) -> None:
    """One job in this process, and the most memory that it took, in KiB."""
    run_job(url, int(job), static_envelope)
    status = Path("/proc/self/status").read_text()  # getrusage() would tell the parent's, if that had more
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    _work(*sys.argv[1:])
