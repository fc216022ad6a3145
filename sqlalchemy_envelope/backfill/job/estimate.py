"""What a job would have to do, without doing it: nothing is written, by order to the server."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import psycopg

from ...envelope import Envelope
from ...errors import ConfigurationError
from ..batches.reader import Reader
from ..plan.pace import Pace
from ..plan.plan import Plan
from ..plan.prepare import Prepare
from ..postgres.database import Database
from ..postgres.keyset import Place, Span
from ..postgres.session import open_session
from ..record.fills import RecordedFill
from ..record.jobs import Job, State, last_source
from ..record.moves import RecordedMove
from ..record.subjects import Recorded
from ..rows.setting import Step
from ..rows.sources import Source, resolve
from ..subject.kind import Kind
from ..subject.rotation import Rotation
from .weighing import weight

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

COUNTED = 200_000
"""Rows of a leaf up to which all are counted; of a larger one, a sample of about as many."""

SAMPLE, SAMPLES, LONGEST = 100, 3, 5.0
"""Rows that are read and sealed at a time, how often at most, and for how many seconds."""

WRITE = 25e-6
"""Seconds to write a row, at best, on a small server: writing can't be tried without writing."""

CELLS, HEADER, INDEX_ENTRY = 150, 60, 80
"""Bytes: a short value's pair, a WAL record beside its tuple, an index's share of it."""


@dataclass(frozen=True)
class Estimate:
    """What is to be expected. `exact`: all rows were counted, none estimated.

    `seconds`: with one worker, at best; None where nothing could be tried, for which `untried` has the
    reason. `sampled` rows were read and sealed or opened in memory; `bad` of them by cause. `wal`: bytes,
    without the images of whole pages that follow each checkpoint: at most `wal_images` more each time.
    """

    rows: int
    pending: int
    exact: bool
    batches: int
    seconds: float | None
    sampled: int
    wal: int
    wal_images: int
    bad: Mapping[str, int] = field(default_factory=dict)
    untried: str = ""


def estimate(
    database: Database,
    recorded: Recorded,
    kind: Kind,
    envelope: Callable[[], Envelope] = Envelope.from_env,
    *,
    job: Job | None = None,
    source: Source | None = None,
    pace: Pace | None = None,
) -> Estimate:
    """Counts, and tries the work on a few rows in memory. Raises what `run` would raise before it begins."""
    with closing(_only_reading(database.connect("dry run"))) as connection:
        wanted = job or _unrecorded(connection, recorded, kind)
        reader = source or (resolve(wanted.source) if wanted.source else None)
        plan = Prepare(database, wanted, envelope, reader, pace or Pace())(connection)
        rows, pending, exact = _counted(connection, plan, _keyless(plan).pending)
        heap, indexes = _sizes(connection, plan)
    trial, untried = Trial(), ""
    try:
        trial = _tried(database, plan, plan.step())
    except ConfigurationError as error:
        untried = str(error)
    wal = pending * (heap // max(rows, 1) + trial.cells + HEADER + INDEX_ENTRY * indexes)
    writes = _keyless(plan).setting is not None
    return Estimate(
        rows,
        pending,
        exact,
        -(-rows // trial.batch(plan.pace)),
        trial.seconds_for(pending, writes=writes) if trial.rows or not pending else None,
        trial.rows,
        int(wal) if writes else 0,
        heap if writes else 0,
        trial.bad,
        untried,
    )


@dataclass
class Trial:
    """A few rows worked on: how many, what the fastest batch took for each, bytes of cells, causes."""

    rows: int = 0
    each: float = 0.0
    cells: int = CELLS
    bad: Counter[str] = field(default_factory=Counter)

    def batch(self, pace: Pace) -> int:
        """How many rows a batch would come to have."""
        return min(max(int(pace.target / max(self.each, WRITE)), pace.least), pace.most)

    def seconds_for(self, rows: int, *, writes: bool) -> float:
        """One batch is made while another is written: the slower of the two counts."""
        return rows * max(self.each, WRITE if writes else 0.0)


def _tried(database: Database, plan: Plan, step: Step) -> Trial:
    trial, began = Trial(), time.monotonic()
    key = plan.relation.key
    assert key is not None  # noqa: S101 - refused before
    with closing(_only_reading(open_session(database, "dry run", plan.pace.lock_timeout))) as connection:
        for leaf in plan.relation.leaves:
            weighed = weight(connection, plan, leaf.sql)
            reader = Reader(connection, key, Span(leaf.sql), step, weighed, plan.pace.most_bytes)
            after: Place | None = None
            while trial.rows < SAMPLE * SAMPLES and time.monotonic() - began < LONGEST:
                batch = reader.read(after, SAMPLE)
                if batch.last is None:
                    break
                after = batch.last
                _learn(trial, len(batch.keys) + len(batch.bad), batch.seconds, batch.bytes)
                trial.bad.update(each.cause for each in batch.bad)
    return trial


def _learn(trial: Trial, rows: int, seconds: float, bytes_: int) -> None:
    if not rows:
        return
    each = seconds / rows
    trial.each = min(trial.each, each) if trial.rows else each
    trial.rows += rows
    trial.cells = bytes_ // rows


def _counted(connection: "psycopg.Connection[Any]", plan: Plan, condition: str) -> tuple[int, int, bool]:
    """All rows, those that are pending, and whether each was looked at."""
    total, found, exact = 0, 0, True
    for leaf in plan.relation.leaves:
        whole = leaf.rows <= COUNTED
        part = "" if whole else f" TABLESAMPLE SYSTEM ({100 * COUNTED / leaf.rows:.6f})"
        query = f"SELECT count(*) FILTER (WHERE {condition}), count(*) FROM ONLY {leaf.sql}{part}"
        pending, rows = connection.execute(query.encode(), {}).fetchone() or (0, 0)
        scale = 1.0 if whole else leaf.rows / max(rows, 1)
        total, found = total + round(rows * scale), found + round(pending * scale)
        exact = exact and whole
    return total, found, exact


def _sizes(connection: "psycopg.Connection[Any]", plan: Plan) -> tuple[int, int]:
    leaves = [each.oid for each in plan.relation.leaves]
    return connection.execute(_SIZES, {"leaves": leaves}).fetchone() or (0, 0)


def _keyless(plan: Plan) -> Step:
    """For what it says of rows, for which a move needs no key."""
    if isinstance(plan.subject, Rotation):
        return plan.step()
    return plan.step_by(lambda: cast(Envelope, None))


def _only_reading(connection: "psycopg.Connection[Any]") -> "psycopg.Connection[Any]":
    connection.execute("SET default_transaction_read_only = on")
    return connection


def _unrecorded(connection: "psycopg.Connection[Any]", recorded: Recorded, kind: Kind) -> Job:
    counts = (0, None, 0, 0, 0, 0)
    now = datetime.now(UTC)
    job = Job(0, recorded.id, kind, State.READY, None, *counts, None, None, now, None, None, None)
    if isinstance(recorded, RecordedMove):
        return replace(job, source=last_source(connection, recorded, kind))
    if isinstance(recorded, RecordedFill):
        return replace(job, move=None, fill=recorded.id)
    return replace(job, move=None, rotation=recorded.id)


_SIZES = """
WITH leaf AS (SELECT unnest(%(leaves)s::oid[]) AS oid)
SELECT coalesce(sum(pg_relation_size(oid)), 0)::bigint,
    (SELECT count(*) FROM pg_index WHERE indrelid = (SELECT min(oid) FROM leaf))
FROM leaf"""
