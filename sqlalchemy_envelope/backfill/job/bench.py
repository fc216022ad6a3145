"""Where one range is worked on: the next batch is made while the last one is written.

The database is the bottleneck, so it is never kept waiting for ciphers or a KMS, nor they for it. No
transaction is open while a batch is being made. The cursor moves with what was written, in its transaction.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self

import psycopg

from ...errors import BackfillError
from ..batches.batch import Bad, Batch
from ..batches.checkpoint import Checkpoint, Counts, Progress, Reach, Tally
from ..batches.reader import Reader
from ..batches.writer import Write, Writer, write_nothing
from ..plan.pace import Size
from ..plan.plan import Plan
from ..postgres.faults import Fault, sort
from ..postgres.keyset import Place
from ..postgres.session import open_session
from ..record.jobs import State
from ..record.ranges import Range
from ..rows.setting import Step
from .ownership import own_range
from .throttle import INTERVAL, Throttle
from .weighing import weight

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Halted = Callable[[], bool]
Told = Callable[[Progress], None]


class Bench:
    """One range and the two connections that it takes. `counts` are of what was committed here."""

    def __init__(
        self,
        plan: Plan,
        range_: Range,
        step: Step,
        size: Size,
        halted: Halted,
        told: Told,
        writing: "psycopg.Connection[Any]",
    ) -> None:
        self._plan, self._range, self._step, self._size = plan, range_, step, size
        self._halted, self._told, self._writing = halted, told, writing
        self.counts = Counts()

    def __enter__(self) -> Self:
        plan, key, leaf = self._plan, self._plan.relation.key, self._range.span.leaf
        assert key is not None  # noqa: S101 - refused before
        reading = open_session(plan.database, f"job {plan.job.id}", plan.pace.lock_timeout)
        with ExitStack() as stack:
            stack.callback(reading.close)
            own_range(self._writing, plan.job.id, self._range.number, plan.pace.patience, self._halted)
            weighed = weight(reading, plan, leaf)
            most = plan.pace.most_bytes
            self._reader = Reader(reading, key, self._range.span, self._step, weighed, most)
            self._checkpoint = Checkpoint(self._writing, plan.job.id, self._range.number, leaf)
            self._throttle = Throttle(self._writing, [each.oid for each in plan.relation.leaves], plan.pace)
            self._writer = self._make_writer()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _make_writer(self) -> Writer | None:
        key, setting = self._plan.relation.key, self._step.setting
        if key is None or setting is None:
            return None
        return Writer(self._writing, self._range.span.leaf, key, setting, self._plan.place)

    def run(self) -> bool:
        """Whether the range was done, rather than stopped."""
        with ThreadPoolExecutor(1, "sqlalchemy-envelope") as ahead:
            making = ahead.submit(self._make, self._range.left.after, self._size.rows)
            while True:
                batch, tally = making.result()
                done = batch.last in (None, self._range.span.up_to)
                if not done:
                    making = ahead.submit(self._make, batch.last, self._size.rows)
                if self._write(batch, tally, done):
                    return done

    def _make(self, after: Place | None, rows: int) -> tuple[Batch, Tally]:
        """The next batch, and what writes it: all that can be ready before the database is."""
        batch = self._reader.read(after, rows)
        return batch, Tally.of(len(batch.keys)) if self._writer is None else self._writer.tally(batch)

    def _write(self, batch: Batch, tally: Tally, done: bool) -> bool:
        """Whether that was all there is to do here."""
        began = time.monotonic()
        progress = self._written(batch, tally, done)
        seconds = time.monotonic() - began
        self._size.learn(batch.read, max(seconds, batch.seconds), len(batch.keys), batch.bytes)
        self._told(progress)
        self._check(progress)
        return done or self._stopped(progress) or self._hold(progress)

    def _written(self, batch: Batch, tally: Tally, done: bool) -> Progress:
        clean = self._checkpoint.clean and not batch.bad
        if self._writer is None:
            return self._kept(batch, tally, done) if clean else self._commit(batch, done)
        try:
            return self._kept(batch, tally, done) if clean else self._commit(batch, done)
        except psycopg.errors.LockNotAvailable:
            otherwise = [self._writer.write_free, self._writer.write_each]
        except psycopg.Error as error:
            if sort(error) is not Fault.QUARANTINE:
                raise
            otherwise = [self._writer.write_each]
        return self._commit(batch, done, *otherwise)

    def _kept(self, batch: Batch, tally: Tally, done: bool) -> Progress:
        """All in one statement, which is its own transaction."""
        reach = Reach(batch.last, done, batch.read, len(batch.keys))
        progress, written = self._checkpoint.keep(reach, tally)
        self.counts += Counts(batch.read, written, len(batch.keys) - written)
        return progress

    def _commit(self, batch: Batch, done: bool, *ways: Write) -> Progress:
        """Statement by statement, in one of these ways: the first that finds no row that can't be written."""
        write, *others = ways or (self._writer.write if self._writer else write_nothing,)
        try:
            with self._writing.transaction():
                return self._recorded(batch, done, *write(batch))
        except psycopg.Error as error:
            if not others or sort(error) is not Fault.QUARANTINE:
                raise
        return self._commit(batch, done, *others)

    def _recorded(self, batch: Batch, done: bool, written: int, worse: list[Bad]) -> Progress:
        new = self._checkpoint.quarantine([*batch.bad, *worse])
        freed = self._checkpoint.release(set(batch.keys) - {each.place for each in worse})
        tried = len(batch.keys) - len(worse)
        reach = Reach(batch.last, done, batch.read, tried, new - freed)
        progress, _ = self._checkpoint.keep(reach, Tally.of(written))
        self.counts += Counts(batch.read, written, tried - written, new)
        return progress

    def _check(self, progress: Progress) -> None:
        limit = self._plan.pace.quarantine
        if progress.rows_quarantined > limit:
            raise BackfillError(
                f"{self._plan.place}: job {self._plan.job.id} has over {limit:,} rows in quarantine, so"
                " it is not the rows; see their causes, correct source= or the keys, and run the job again"
            )

    def _stopped(self, progress: Progress) -> bool:
        return progress.state is not State.RUNNING or self._halted()

    def _hold(self, progress: Progress) -> bool:
        """Waits for what the throttle says: whether it was stopped meanwhile."""
        if self._plan.pace.rest and wait(self._plan.pace.rest, self._halted):
            return True
        while reason := self._throttle.reason():
            self._told(replace(progress, waiting_for=reason))
            if wait(INTERVAL, self._halted):
                return True
            progress = self._checkpoint.progress()
            if self._stopped(progress):
                return True
        return False


def wait(seconds: float, halted: Halted) -> bool:
    """Sleeps; whether it was halted meanwhile, which ends it."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if halted():
            return True
        time.sleep(min(left, 0.1))
    return halted()
