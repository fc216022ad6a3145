"""What a job waits for between batches: replicas that lag, WAL not archived yet, a vacuum of the table."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ..plan.pace import Pace

INTERVAL = 1.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Load:
    """The state of the server. None: nothing to tell, or not ours to see."""

    replica_lag: float | None
    archive_backlog: int | None
    vacuuming: bool


class Throttle:
    """Looks now and then, and says what to wait for."""

    def __init__(self, connection: "psycopg.Connection[Any]", oids: Sequence[int], pace: Pace) -> None:
        self._connection, self._oids, self._pace = connection, list(oids), pace
        self._looks = any(each is not None for each in (pace.replica_lag, pace.archive_backlog, pace.vacuum))
        self._next = 0.0
        self._vacuum_since: float | None = None

    def reason(self) -> str:
        """What to wait for, in words; empty for nothing."""
        now = time.monotonic()
        if not self._looks or now < self._next:
            return ""
        self._next = now + INTERVAL
        load = look(self._connection, self._oids)
        if not load.vacuuming:
            self._vacuum_since = None
        elif self._vacuum_since is None:
            self._vacuum_since = now
        return weigh(load, self._pace, 0.0 if self._vacuum_since is None else now - self._vacuum_since)


def weigh(load: Load, pace: Pace, vacuuming: float) -> str:
    """What is too much, given how many seconds a vacuum has been waited for."""
    if pace.replica_lag is not None and (load.replica_lag or 0) > pace.replica_lag:
        return "a replica that lags"
    if pace.archive_backlog is not None and (load.archive_backlog or 0) > pace.archive_backlog:
        return "the archiver"
    if pace.vacuum is not None and load.vacuuming and vacuuming < pace.vacuum:
        return "a vacuum of the table"
    return ""


def look(connection: "psycopg.Connection[Any]", oids: Sequence[int]) -> Load:
    """The server's load, from its statistics views. Without `pg_monitor` the lag of replicas is hidden."""
    found = connection.execute(_LOOK, [list(oids)]).fetchone()
    assert found is not None  # noqa: S101 - one row whatever happens
    lag, current, archived, size, vacuuming = found
    backlog = _segment(current, size) - _segment(archived, size) - 1 if current and archived else None
    return Load(None if lag is None else float(lag), backlog, vacuuming)


def _segment(file: str, size: int) -> int:
    """The number of a WAL file: 8 hexadecimal digits each of timeline, of 4 GiB, of segments within."""
    return int(file[8:16], 16) * (2**32 // size) + int(file[16:24], 16)


_LOOK = """
SELECT (SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication),
    CASE WHEN current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery()
        THEN pg_walfile_name(pg_current_wal_lsn()) END,
    (SELECT substr(last_archived_wal, 1, 24) FROM pg_stat_archiver
     WHERE last_archived_wal ~ '^[0-9A-F]{24}'),
    (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
    EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = ANY(%s))"""
