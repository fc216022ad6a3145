"""A job recorded and run to its end, or an error that says why it isn't over."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...envelope import Envelope
from ...errors import BackfillError
from ..postgres.database import Database
from ..record.jobs import GIVEN, Job, record_job
from ..record.moves import RecordedMove
from .run import run

Keys = Callable[[], Envelope]
"""Where an envelope comes from; asked only by a step that opens or seals."""


class UnendingError(BackfillError):
    """Writers make rows pending as fast as they are filled in."""


class HaltedError(BackfillError):
    """The job was paused, or told to stop. What was done stays."""


def work(
    database: Database, recorded: RecordedMove, kind: str, envelope: Keys, source: Any = None, **running: Any
) -> Job:
    """Records a job, or finds the unfinished one, and runs it. Raises `BackfillError` short of its end.

    What it returns may be done and have rows in quarantine.

    `source`: what reads the old column, or where it may be imported from, which the job then records; of
    another it records that there is one, so that no later job reads the column as it is.
    """
    path, reader = (source, None) if isinstance(source, str) else (None if source is None else GIVEN, source)
    found = job(database, recorded, kind, path)
    report = run(database, found.id, envelope, source=reader, **running)
    if report.state == "done":
        return replace(found, rows_quarantined=report.rows_quarantined)
    if report.state in {"paused", "stopped"}:
        raise HaltedError(_halted(recorded.move.place, found.id, report.state))
    again = f"(job {found.id}, {kind}, is {report.state}; it goes on when run again)"
    unending = report.state == "failed" and not report.rows_quarantined
    raise (UnendingError if unending else BackfillError)(f"{report.error or recorded.move.place} {again}")


def _halted(place: str, number: int, state: str) -> str:
    if state == "paused":
        return f"{place}: job {number} is paused; sqlalchemy-envelope resume {number}, and run this again"
    return f"{place}: job {number} was stopped after a batch; run this again to go on"


def job(database: Database, recorded: RecordedMove, kind: str, source: Any = None) -> Job:
    """The record of a job, for `run` here or elsewhere."""
    with database.asked("job") as connection:
        return record_job(connection, recorded, kind, source)
