"""Writers and readers beside a rotation: `python -m tests.rotation.races --rows 2000 --runs 10`.

All are alive throughout: some write values under the old key and some under the new one, with updates of
random rows, inserts and deletes, some holding a row's lock for a while; some write another column only; and
readers open random rows all the time. In the end every row that does not open to what it should is counted,
and every read that did not. `--without cas` shows that the count would find some.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from unittest import mock

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.batches import writer
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.cipher import DataKeys
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.keyring.keyring import Order, Stored
from sqlalchemy_envelope.keyring.waiting import Wait
from sqlalchemy_envelope.rotation.columns import planned, rotate

from .world import NEW, OLD, World, after, opens


def writing_old() -> Envelope:
    """As a process that was not restarted yet: writes under the old key, and opens both."""
    return Envelope(DirectKeyring(StaticKey(OLD, previous=[NEW])))


class Slow(DirectKeyring):
    """The new keyring, by calls that take a while: time for others to write."""

    def __init__(self) -> None:
        super().__init__(StaticKey(NEW, previous=[OLD]))

    def rewrap(self, stored: Sequence[Stored], wait: Wait[None]) -> list[bytes]:
        """As ever, later."""
        time.sleep(0.01)
        return super().rewrap(stored, wait)

    def issue(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        """As ever, later."""
        time.sleep(0.01)
        return super().issue(orders, wait)


Write = Callable[..., None]


@dataclass
class Company:
    """Threads that write and read until told to stop."""

    world: World
    rows: int
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    writes: int = 0
    reads: int = 0
    unreadable: int = 0

    @contextmanager
    def alive(self) -> Iterator[None]:
        """While this is open."""
        kinds = (self._update, self._update_slowly, self._visit, self._insert_and_delete, self._read)
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
        chance, envelopes = random.Random(self.seed * 10 + number), (writing_old(), after())
        with closing(self.world.database.connect("beside")) as connection:
            for turn in range(10**9):
                if self.over.wait(0.0005):
                    return
                row, envelope = chance.randint(1, self.rows), envelopes[turn % 2]
                kind(connection, row, f"{number} wrote {turn}", envelope)

    def _update(self, connection: object, row: int, value: str, envelope: Envelope) -> None:
        dek, content = envelope.seal_many([value], self.world.context)[0]
        self._write(connection, _UPDATE, [content, dek, value, row])

    def _update_slowly(self, connection: object, row: int, value: str, envelope: Envelope) -> None:
        self._write(connection, "BEGIN")
        self._update(connection, row, value, envelope)
        time.sleep(0.003)
        self._write(connection, "COMMIT")

    def _visit(self, connection: object, row: int, value: str, envelope: Envelope) -> None:
        self._write(connection, "UPDATE patient SET visits = visits + 1 WHERE id = %s", [row])

    def _insert_and_delete(self, connection: object, row: int, value: str, envelope: Envelope) -> None:
        self._write(connection, "DELETE FROM patient WHERE id = %s", [row])
        dek, content = envelope.seal_many([value], self.world.context)[0]
        self._write(connection, _INSERT, [row, content, dek, value])

    def _read(self, connection: object, row: int, value: str, envelope: Envelope) -> None:
        query = "SELECT ssn_dek, ssn, value FROM patient WHERE id = %s"
        found = connection.execute(query, [row]).fetchone()  # type: ignore[attr-defined]
        self.reads += 1
        self.unreadable += found is not None and not opens(envelope, self.world.context, found)

    def _write(self, connection: object, statement: str, parameters: Sequence[object] | None = None) -> None:
        connection.execute(statement, parameters)  # type: ignore[attr-defined]
        self.writes += 1


_UPDATE = "UPDATE patient SET ssn = %b, ssn_dek = %b, value = %s WHERE id = %s"
_INSERT = "INSERT INTO patient (id, ssn, ssn_dek, value) VALUES (%s, %b, %b, %s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class Result:
    """What came of a run. `left`: values still under the old key."""

    wrong: int
    unreadable: int
    left: int
    races: int
    company: Company
    seconds: float


def race(
    world: World, kind: Kind, rows: int, seed: int, without: str | None = None, workers: int = 1
) -> Result:
    """One run over a new table's rows."""
    began = time.monotonic()
    world.fill(rows)
    company = Company(world, rows, seed)
    pace = Pace(least=50, most=min(2_000, max(50, rows // 40)), sweeps=4)
    off = mock.patch.object(writer, "unchanged", return_value="true") if without else nullcontext()
    rotation = planned(world.database, "patient", "ssn")
    with off:
        with company.alive():
            try:
                rotate(world.database, lambda: Envelope(Slow()), rotation, kind, pace=pace, workers=workers)
            except BackfillError as unending:  # writers under the old key are alive
                if "wraps under another key" not in str(unending):
                    raise
        rotate(world.database, after, rotation, kind, pace=pace)
    races = world.value("SELECT max(rows_raced) FROM envelope.job")
    left = world.under(StaticKey(OLD).key_id)
    return Result(world.wrong(after()), company.unreadable, left, races, company, time.monotonic() - began)


def main() -> int:
    """Runs and tells; 1 where a row is wrong or a read was."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.rotation.races", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kind", choices=["rewrap", "reencrypt"], default="rewrap")
    parser.add_argument("--without", choices=["cas"])
    given = parser.parse_args()
    wrong = 0
    with embedded_postgresql() as (url, _):
        for seed in range(given.runs):
            world = World.of(url.render_as_string(hide_password=False))
            with closing(world.connection):
                found = race(world, Kind(given.kind), given.rows, seed, given.without, given.workers)
                world.execute("DROP TABLE patient; DROP SCHEMA envelope CASCADE")
            wrong += found.wrong + found.unreadable + found.left
            beside = found.company
            sys.stdout.write(
                f"run {seed + 1}: {beside.writes:,} writes, {beside.reads:,} reads, {found.races:,} races:"
                f" {found.wrong:,} wrong rows, {found.unreadable:,} values unreadable,"
                f" {found.left:,} left under the old key, in {found.seconds:.1f} s\n"
            )
            sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
