"""Who holds the lock that a session waits for, seen from a second connection while it waits."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import psycopg

from .database import Database

_BLOCKERS = """
SELECT pid, coalesce(application_name, ''), coalesce(state, backend_type, 'another role''s'), xact_start
FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%s)) ORDER BY xact_start
"""


@dataclass(frozen=True)
class Blocker:
    """A session in the way. Not what it runs: a query may hold values."""

    pid: int
    application_name: str
    state: str
    since: datetime | None

    def __str__(self) -> str:
        name = self.application_name or "unnamed"
        since = f", in a transaction since {self.since:%Y-%m-%d %H:%M:%S%z}" if self.since else ""
        return f"pid {self.pid} ({name}, {self.state}{since})"


class Watch:
    """Looks every `interval` seconds at who blocks a connection, while that waits."""

    def __init__(self, database: Database, watched: "psycopg.Connection[Any]", interval: float) -> None:
        self._database = database
        self._pid = watched.info.backend_pid
        self._interval = max(interval, 0.005)
        self._connection: psycopg.Connection[Any] | None = None
        self.blockers: Sequence[Blocker] = ()
        """As last seen."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Looks on while the body runs; a second connection is made when that takes longer than expected."""
        done = threading.Event()
        thread = threading.Thread(target=self._look, args=[done], daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self, done: threading.Event) -> None:
        while not done.wait(self._interval):
            try:
                self._note()
            except psycopg.Error:
                return  # no second connection to be had: the error to come names nobody

    def _note(self) -> None:
        if self._connection is None:
            self._connection = self._database.connect("ddl watch")
        found = self._connection.execute(_BLOCKERS, [self._pid]).fetchall()
        if found:
            self.blockers = [Blocker(*row) for row in found]
