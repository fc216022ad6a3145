"""The write-ahead log, turned over: every segment that could hold old bytes is written over or removed.

A segment that is no longer needed is renamed for later use with its bytes in it, so recycling is switched
off meanwhile, and the segments that were renamed before are passed through: a switch fills them with zeros.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ..postgres.quoting import literal
from .step import Outcome, PurgeStep

CHECKPOINTS = 3
"""One writes out, the next removes what that one no longer needs, and one more for those in flight."""

MAX_SWITCHES = 4096

RELOAD = 0.2
"""Seconds until every process, the checkpointer among them, has read its settings again."""

_SEGMENTS = "SELECT name, size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY substr(name, 9)"
_NOW = "SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 9)"
_CHANGED = "SELECT setting FROM pg_file_settings WHERE name = %s AND sourcefile LIKE '%%postgresql.auto.conf'"


def turn_over(connection: "psycopg.Connection[Any]") -> PurgeStep:
    """Removes every segment written so far. Raises psycopg's error where the role may not."""
    began = _one(connection, _NOW)
    with _without_recycling(connection):
        passed = _pass_all(connection)
        for _ in range(CHECKPOINTS):
            _next(connection)
            connection.execute("CHECKPOINT")
        passed += _pass_all(connection)
        connection.execute("CHECKPOINT")
        left = [name for name, _ in connection.execute(_SEGMENTS.encode()) if name[8:] <= began]
    if left:
        return PurgeStep("wal", Outcome.NEEDS, f"{len(left)} old segments are kept {_kept_by(connection)}")
    return PurgeStep(
        "wal", Outcome.DONE, f"turned over: {passed} segments written through, older ones removed"
    )


def _pass_all(connection: "psycopg.Connection[Any]") -> int:
    """Switches until the segment in use is newer than every one there was, those for later use included."""
    names = [name[8:] for name, _ in connection.execute(_SEGMENTS.encode())]
    for passed in range(MAX_SWITCHES):
        if _one(connection, _NOW) > max(names, default=""):
            return passed
        _next(connection)
    return MAX_SWITCHES


def _next(connection: "psycopg.Connection[Any]") -> None:
    connection.execute("SELECT pg_logical_emit_message(false, 'sqlalchemy-envelope', 'purge')")
    connection.execute("SELECT pg_switch_wal()")


@contextmanager
def _without_recycling(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """Leaves the server's settings as they were, with what was set by ALTER SYSTEM before."""
    before = connection.execute(_CHANGED.encode(), ["wal_recycle"]).fetchone()
    try:
        _set(connection, "SET wal_recycle = off")
        yield
    finally:
        _set(connection, f"SET wal_recycle = {literal(before[0])}" if before else "RESET wal_recycle")


def _set(connection: "psycopg.Connection[Any]", change: str) -> None:
    connection.execute(f"ALTER SYSTEM {change}".encode())
    connection.execute("SELECT pg_reload_conf()")
    time.sleep(RELOAD)


_KEEPERS = """
SELECT 'by the replication slot ' || slot_name FROM pg_replication_slots WHERE restart_lsn IS NOT NULL
UNION ALL SELECT 'by wal_keep_size' WHERE current_setting('wal_keep_size') <> '0'
UNION ALL SELECT 'until they are archived' WHERE current_setting('archive_mode') <> 'off'
"""


def _kept_by(connection: "psycopg.Connection[Any]") -> str:
    names = ", ".join(row[0] for row in connection.execute(_KEEPERS.encode()))
    return names or "for now; run this again"


def _one(connection: "psycopg.Connection[Any]", query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row else ""
