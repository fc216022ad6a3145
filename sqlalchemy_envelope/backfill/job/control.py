"""The run's own connection: it holds the job, and comes back with it when it is lost."""

import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import psycopg

from ...errors import JobBusyError
from ..batches.checkpoint import PROGRESS, Progress
from ..plan.pace import Pace, Patience
from ..postgres.database import Database
from ..postgres.faults import Fault, sort, told
from ..postgres.session import open_session
from ..record.jobs import Job, State
from .ownership import own_job, owner

T = TypeVar("T")
Ask = Callable[["psycopg.Connection[Any]"], T]


class Control:
    """Asks over one connection, again over another where it was lost.

    Raises `JobBusyError`: at once where somebody else runs the job, later where its lock does not come back
    with a new connection: the server may take a while to notice that the old one is gone.
    """

    def __init__(self, database: Database, job: int, pace: Pace) -> None:
        self._database, self._job, self._pace = database, job, pace
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def ask(self, question: Ask[T]) -> T:
        """The answer. Raises what does not pass by itself, and at first what does: nobody can connect yet."""
        patience = Patience(self._pace.patience if self._connection else 0.0)
        failed: Exception
        while True:
            try:
                return question(self._connected())
            except (psycopg.Error, JobBusyError) as error:
                passes = sort(error) is Fault.RETRY or isinstance(error, JobBusyError)
                delay = patience.delay() if passes and self._connection else None
                failed = error
            if delay is None:
                break
            time.sleep(delay)
        raise told(failed, str(self._database), self._job)

    def begin(self, rows: int) -> None:
        """The job is running, and it is we who run it, over about so many rows."""
        self.ask(lambda connection: connection.execute(_BEGIN, [owner(), rows, self._job]))

    def end(self, state: State, error: str | None = None) -> None:
        """Nobody runs it any longer. A pause that came meanwhile stays one, unless it was at its end."""
        finished = state in {State.DONE, State.FAILED}
        parameters = [state, error, finished, self._job, finished]
        self.ask(lambda connection: connection.execute(_END, parameters))

    def progress(self) -> Progress:
        """As recorded now."""
        query = f"SELECT {PROGRESS} FROM envelope.job WHERE id = %s".encode()
        row = self.ask(lambda connection: connection.execute(query, [self._job]).fetchone())
        assert row is not None  # noqa: S101 - looked up before
        return Progress(State(row[0]), *row[1:])

    def forget_rows(self) -> None:
        """Drops what earlier passes found wrong: the next looks at every row anew."""
        self.ask(lambda connection: connection.execute(_FORGET, [self._job, self._job]))

    def mark_verified(self, job: Job, right: bool) -> None:
        """Records that what a job is about was verified just now, or that it is not."""
        table, id_ = ("move", job.move) if job.fill is None else ("fill", job.fill)
        self.ask(lambda connection: connection.execute(_VERIFIED.format(table=table).encode(), [right, id_]))

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._connection.closed:
            connection = open_session(self._database, f"job {self._job}", self._pace.lock_timeout)
            try:
                own_job(connection, self._job)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


_BEGIN = """
UPDATE envelope.job SET state = 'running', owner = %s, rows_estimated = %s, error = NULL,
    heartbeat_at = now(), started_at = coalesce(started_at, now()), finished_at = NULL
WHERE id = %s AND state <> 'paused'"""

_END = """
UPDATE envelope.job SET state = %s, error = %s, owner = NULL, heartbeat_at = now(),
    finished_at = CASE WHEN %s THEN now() END
WHERE id = %s AND (%s OR state <> 'paused')"""

_FORGET = """
WITH rows AS (DELETE FROM envelope.job_row WHERE job = %s)
UPDATE envelope.job SET rows_done = 0, rows_quarantined = 0 WHERE id = %s"""

_VERIFIED = "UPDATE envelope.{table} SET verified_at = CASE WHEN %s THEN now() END WHERE id = %s"
