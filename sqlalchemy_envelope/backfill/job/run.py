"""Runs a job: one call, from the record of a job to a report of how it went."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from ...envelope import Envelope
from ...errors import ConfigurationError
from ..batches.checkpoint import Progress
from ..plan.pace import Pace
from ..plan.prepare import Prepare
from ..postgres.database import Database
from ..record import jobs
from ..record.jobs import GIVEN, Job, State
from ..rows.sources import Source, resolve
from .control import Control
from .running import Report, Running

__tracebackhide__ = True  # pytest prints no locals of these frames: they lead to plaintext

USUAL = Pace()


def run(
    database: Any,
    job_id: int,
    envelope: Callable[[], Envelope] = Envelope.from_env,
    *,
    source: Source | None = None,
    pace: Pace = USUAL,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    allow_replica_identity_full: bool = False,
) -> Report:
    """Runs a recorded job from where it is, and returns when it is over, paused or stopped.

    `database`: a `Database`, or what `Database.of` takes. `envelope`: makes the envelope in each process that
    works. `source`: reads the old value, else the job's own does, else it is read as it is. `executor`:
    where `workers` ranges are worked on at once; what goes there pickles if `envelope` and `source` do.
    Without one, one worker is this thread, and more are threads. `progress`: told after batches. `stop`: ends
    the run after the batch that it is at.

    Raises `ConfigurationError` for what can't be moved, before anything is done; `JobBusyError`; and what
    neither passes by itself nor lies in a row, with the job `failed` until it is run again.
    """
    if workers < 1:
        raise ConfigurationError("workers= is at least 1")
    place = Database.of(database)
    heard, halted = progress or _unheard, (stop or threading.Event()).is_set
    with Control(place, job_id, pace) as control:
        job = control.ask(lambda connection: jobs.job(connection, job_id))
        if job.state in {State.PAUSED, State.DONE}:
            return Report(job.state, 0, 0, 0, 0, job.rows_quarantined, 0.0)
        reader = source if source is not None else _recorded(job)
        prepare = Prepare(place, job, envelope, reader, pace, allow_replica_identity_full)
        running = Running(control, prepare, workers, heard, halted)
        if executor is None and workers > 1:
            with ThreadPoolExecutor(workers, "sqlalchemy-envelope") as threads:
                return running.run(threads)
        return running.run(executor)


def _recorded(job: Job) -> Source | None:
    if job.source == GIVEN:
        raise ConfigurationError(
            f"job {job.id} reads the old values by a source that can't be found from its record: give source="
        )
    return None if job.source is None else resolve(job.source)


def _unheard(progress: Progress) -> None:
    pass
