"""Writers of every kind beside a backfill: `python -m tests.backfill.races --rows 2000 --runs 10`.

All are alive throughout: those that write both plaintext and pair, those that know only the plaintext, both
with updates of random rows, inserts and deletes, some holding a row's lock for a while. When they have
ended, one more run moves what they left pending, and every row whose pair does not open to its plaintext is
counted. `--without cas` or `--without trigger` shows that the count would find some.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from sqlalchemy_envelope import Envelope
from sqlalchemy_envelope.backfill.batches import writer
from sqlalchemy_envelope.backfill.job.running import Report
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.errors import BackfillError

from .test_concurrency import watched
from .world import World, envelope

PLACE = "customer.email"


@dataclass
class Writers:
    """Threads that write until told to stop."""

    world: World
    rows: int
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    writes: int = 0

    @contextmanager
    def alive(self) -> Iterator[None]:
        """While this is open."""
        kinds = (self._update_both, self._update_plaintext, self._update_both_slowly, self._insert_and_delete)
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
        chance, sealing = random.Random(self.seed * 10 + number), envelope()
        with closing(self.world.database.connect("writer")) as connection:

            def write(statement: str, *parameters: object) -> None:
                connection.execute(statement.encode(), parameters)

            for turn in range(10**9):
                if self.over.wait(0.0005):
                    return
                kind(write, chance.randint(1, self.rows), f"{number} wrote {turn}", sealing)
                self.writes += 1

    def _update_both(self, write: Callable[..., None], row: int, value: str, sealing: Envelope) -> None:
        dek, content = sealing.seal_many([value], self.world.move.context)[0]
        write(_BOTH, value, content, dek, row)

    def _update_both_slowly(
        self, write: Callable[..., None], row: int, value: str, sealing: Envelope
    ) -> None:
        write("BEGIN")
        self._update_both(write, row, value, sealing)
        time.sleep(0.003)
        write("COMMIT")

    def _update_plaintext(self, write: Callable[..., None], row: int, value: str, sealing: Envelope) -> None:
        write("UPDATE customer SET email = %s WHERE id = %s", None if row % 50 == 0 else value, row)

    def _insert_and_delete(self, write: Callable[..., None], row: int, value: str, sealing: Envelope) -> None:
        write("DELETE FROM customer WHERE id = %s", row)
        if row % 2:
            write("INSERT INTO customer (id, email) VALUES (%s, %s)", row, value)
        else:
            dek, content = sealing.seal_many([value], self.world.move.context)[0]
            write(_INSERT_BOTH, row, value, content, dek)


_BOTH = "UPDATE customer SET email = %s, email_encrypted = %b, email_encrypted_dek = %b WHERE id = %s"
_INSERT_BOTH = (
    "INSERT INTO customer (id, email, email_encrypted, email_encrypted_dek) VALUES (%s, %s, %b, %b)"
)


@dataclass(frozen=True)
class Result:
    """What came of a run."""

    wrong: int
    writes: int
    races: int
    seconds: float


@contextmanager
def switched_off(world: World, what: str | None) -> Iterator[None]:
    """Runs without compare-and-set, or with a trigger that does nothing."""
    with ExitStack() as stack:
        if what == "cas":
            stack.enter_context(mock.patch.object(writer, "unchanged", return_value="true"))
        if what == "trigger":
            world.execute(
                f"CREATE OR REPLACE FUNCTION envelope.invalidate_{world.move.slug}() RETURNS trigger"
                " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
            )
        yield


def _run(world: World, without: str | None, **options: Any) -> Report:
    """A run to its end: without compare-and-set some of what it overwrites is noticed by what it promises."""
    for _ in range(100):
        try:
            return world.run(**options)
        except BackfillError:
            if without is None:
                raise
    raise RuntimeError("it comes to no end")


def race(world: World, rows: int, seed: int, without: str | None = None, workers: int = 1) -> Result:
    """One run over a new table's rows: how many are wrong in the end."""
    began = time.monotonic()
    world.fill(rows)
    writers = Writers(world, rows, seed)
    small = Pace(least=50, most=min(2_000, max(50, rows // 40)), sweeps=4)
    slowly = watched(lambda: time.sleep(0.01))
    with switched_off(world, without):
        with writers.alive():
            beside = _run(world, without, envelope=slowly, pace=small, workers=workers)
        rest = _run(world, without, pace=small)
    if rest.state != "done":
        raise RuntimeError(f"the last run is {rest.state}: {rest.error}")
    return Result(world.wrong(), writers.writes, beside.rows_raced, time.monotonic() - began)


def main() -> int:
    """Runs and tells; 1 where a row is wrong."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.backfill.races", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--without", choices=["cas", "trigger"])
    given = parser.parse_args()
    wrong = 0
    with embedded_postgresql() as (url, _):
        for seed in range(given.runs):
            world = World.of(url.render_as_string(hide_password=False))
            with closing(world.connection):
                result = race(world, given.rows, seed, given.without, given.workers)
                world.execute("DROP TABLE customer; DROP SCHEMA envelope CASCADE")
            wrong += result.wrong
            told = f"{result.writes:,} writes, {result.races:,} races, {result.wrong:,} wrong rows"
            sys.stdout.write(f"run {seed + 1}: {told} in {result.seconds:.1f} s\n")
            sys.stdout.flush()
    safeguards = f"without {given.without}" if given.without else "with both safeguards"
    sys.stdout.write(f"{given.runs} runs of {given.rows:,} rows, {safeguards}: {wrong:,} wrong rows\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
