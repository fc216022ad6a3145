"""Writers and searches beside rotations of an index key: `python -m tests.blind.rotation_races --rows 20000`.

Each thread is a process: an envelope of its own, which reads the keys' states at its own times. Writers set
rows to new values and to the same, insert and delete, some with their row's lock held for a while. Searches
look for values that are there, on a snapshot of just now and on one that is older than what the process
knows of the keys. Each that does not find its row is counted. `--without wait` takes each step at once,
`--without snapshots` destroys a key under who still sees its rows: that the count would find some.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import URL, NullPool, create_engine, text

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach
from sqlalchemy_envelope.errors import EnvelopeError
from sqlalchemy_envelope.keyring.waiting import wait_here
from sqlalchemy_envelope.keystore import index_states, install
from sqlalchemy_envelope.rotation.index_keys import (
    activate_index_key,
    begin_index_key,
    retire_index_key,
    waiting,
)

from .table import INDEX, SSN, cell, message, probes

VIEW, AFTER = 0.3, 1.0
"""How long a process goes by what it read, and how long a step waits: with time to be late under load."""
BATCH = 500
KEY = bytes(range(32))

_LEFT = "SELECT id, ssn, ssn_bidx FROM patient WHERE substr(ssn_bidx, 1, 4) <> %s LIMIT %s"
_REFILL = """
UPDATE patient SET ssn_bidx = made.new FROM unnest(%s::int[], %s::bytea[], %s::bytea[]) AS made (id, old, new)
WHERE patient.id = made.id AND patient.ssn_bidx = made.old"""
_FIND = "SELECT count(*) FROM patient WHERE ssn_bidx = ANY (%s) AND ssn = %s"


@dataclass
class Clinic:
    """A table of patients, and threads that write and search it until told to stop.

    `view`: for how long a process goes by what it read. `patience`: how old the older snapshots get.
    """

    url: URL
    rows: int
    seed: int = 0
    view: float = VIEW
    patience: float = 2 * VIEW
    over: threading.Event = field(default_factory=threading.Event)
    writes: int = 0
    searches: int = 0
    missed: int = 0
    failed: list[str] = field(default_factory=list)

    def connect(self) -> "psycopg.Connection[Any]":
        """In autocommit mode."""
        url = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    def process(self) -> Envelope:
        """As another process has it."""
        envelope = Envelope(DirectKeyring(StaticKey(KEY), cache_seconds=self.view))
        return attach_to(self.url, envelope)

    def fill(self) -> None:
        """Odd rows keep their values; the others change."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            install(connection)
            connection.execute(text("CREATE TABLE patient (id int PRIMARY KEY, ssn text, ssn_bidx bytea)"))
            connection.execute(text("CREATE INDEX ON patient (ssn_bidx)"))
        values = [value_of(number) for number in range(self.rows)]
        (cells,) = self.process().index_keys.cells([(SSN, [message(each) for each in values])], wait_here)
        rows = "SELECT * FROM unnest(%s::int[], %s::text[], %s::bytea[])"
        with closing(self.connect()) as connection:
            connection.execute(f"INSERT INTO patient {rows}", [list(range(self.rows)), values, cells])

    @contextmanager
    def open(self) -> Iterator[None]:
        """While this is open, all work."""
        writing = (self._write, self._write_slowly, self._come_and_go)
        kinds = (*writing, self._search, self._search, self._look_back)
        threads = [threading.Thread(target=self._work, args=(n, kind)) for n, kind in enumerate(kinds)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def _work(self, number: int, kind: Callable[..., None]) -> None:
        chance, envelope = random.Random(self.seed * 10 + number), self.process()
        with closing(self.connect()) as connection:
            while not self.over.wait(0.0005):
                try:
                    kind(connection, envelope, chance)
                except EnvelopeError as error:
                    self.failed.append(str(error))

    def _write(self, connection: Any, envelope: Envelope, chance: random.Random) -> None:
        row = chance.randrange(self.rows)
        value = value_of(row) if row % 2 else f"new {chance.random()}"
        sql = "UPDATE patient SET ssn = %s, ssn_bidx = %s WHERE id = %s"
        connection.execute(sql, [value, cell(envelope, value), row])
        self.writes += 1

    def _write_slowly(self, connection: Any, envelope: Envelope, chance: random.Random) -> None:
        with connection.transaction():
            self._write(connection, envelope, chance)
            time.sleep(0.02)

    def _come_and_go(self, connection: Any, envelope: Envelope, chance: random.Random) -> None:
        row = self.rows + chance.randrange(100)
        sql = "INSERT INTO patient VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
        connection.execute(sql, [row, value_of(row), cell(envelope, value_of(row))])
        connection.execute("DELETE FROM patient WHERE id = %s", [self.rows + chance.randrange(100)])
        self.writes += 2

    def _search(self, connection: Any, envelope: Envelope, chance: random.Random) -> None:
        self._find(connection, envelope, value_of(chance.randrange(self.rows // 2) * 2 + 1))

    def _look_back(self, connection: Any, envelope: Envelope, chance: random.Random) -> None:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for wait in (0.0, self.patience):
                self.over.wait(wait)
                for _ in range(20):
                    at = [chance.randrange(self.rows)]
                    (value,) = connection.execute("SELECT ssn FROM patient WHERE id = %s", at).fetchone()
                    self._find(connection, envelope, value)

    def _find(self, connection: Any, envelope: Envelope, value: str) -> None:
        found = connection.execute(_FIND, [list(probes(envelope, value)), value]).fetchone()[0]
        self.searches += 1
        self.missed += found == 0


def attach_to(url: URL, envelope: Envelope) -> Envelope:
    """The envelope, with its index keys in that database."""
    attach(create_engine(url, poolclass=NullPool), envelope)
    return envelope


def value_of(number: int) -> str:
    """What stands in a row of this number at first."""
    return f"{number:09d}"


@dataclass
class Rotated:
    """What a rotation took."""

    seconds: float
    digested: int
    digesting: float


def rotate(clinic: Clinic, after: float = AFTER) -> Rotated:
    """One whole rotation: begin, activate, digest every row anew, retire."""
    began, envelope = time.monotonic(), clinic.process()
    begin_index_key(clinic.url, envelope.keyring, SSN.key)
    waiting(lambda: activate_index_key(clinic.url, SSN.key, after=after))
    digested, digesting = 0, 0.0
    with closing(clinic.connect()) as connection:

        def retire() -> object:
            nonlocal digested, digesting
            start = time.monotonic()
            digested += digest_anew(connection, clinic.process())  # those too that were written late
            digesting += time.monotonic() - start
            return retire_index_key(clinic.url, SSN.key, after=after)

        waiting(retire)
    return Rotated(time.monotonic() - began, digested, digesting)


def digest_anew(connection: Any, envelope: Envelope) -> int:
    """Every row that is not under the active key, compare and set: how many were set."""
    (tags,) = envelope.index_keys.tags([SSN], wait_here)
    done = 0
    while rows := connection.execute(_LEFT, [tags[0], BATCH]).fetchall():
        messages = INDEX.messages([b"\x01" + value.encode() for _, value, _ in rows])
        (cells,) = envelope.index_keys.cells([(SSN, messages)], wait_here)
        ids, olds = [row[0] for row in rows], [row[2] for row in rows]
        done += connection.execute(_REFILL, [ids, olds, cells]).rowcount
    return done


def race(clinic: Clinic, rotations: int, without: str | None = None) -> list[Rotated]:
    """So many rotations in a row, while all work."""
    blind = mock.patch.object(index_states, "_READERS", text("SELECT pid FROM pg_stat_activity WHERE false"))
    with clinic.open(), blind if without == "snapshots" else nullcontext():
        return [rotate(clinic, 0.0 if without == "wait" else AFTER) for _ in range(rotations)]


def main() -> int:
    """Runs and tells; 1 where a search missed a row."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.blind.rotation_races", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--without", choices=["wait", "snapshots"])
    given = parser.parse_args()
    with embedded_postgresql() as (url, _):
        view = 10 * VIEW if given.without == "wait" else VIEW
        clinic = Clinic(url, given.rows, os.getpid(), view, patience=1.5 * AFTER)
        clinic.fill()
        for number, done in enumerate(race(clinic, given.rotations, given.without), 1):
            rate = done.digested / max(done.digesting, 1e-9)
            sys.stdout.write(
                f"rotation {number}: {done.seconds:.1f} s, of which {done.digesting:.1f} s to digest"
                f" {done.digested:,} rows anew ({rate:,.0f} rows/s)\n"
            )
    sys.stdout.write(
        f"beside them {clinic.writes:,} writes and {clinic.searches:,} searches:"
        f" {clinic.missed:,} missed a row, {len(clinic.failed):,} failed\n"
    )
    return int(clinic.missed > 0 or bool(clinic.failed))


if __name__ == "__main__":
    sys.exit(main())
