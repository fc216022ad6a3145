"""Who runs a job: a session advisory lock each for the job and for every range that is being worked on.

It ends with its session, however that ends, so what a dead process left is free to be taken over. Behind a
pool that exchanges sessions between transactions (PgBouncer's) it is worth nothing.
"""

import hashlib
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import psycopg

from ...errors import JobBusyError
from ..subject.move import Move

CLOSING = 0.5
"""Seconds that a server may take to end a session whose client has left."""


def owner() -> str:
    """This process, as a job's record names it."""
    return f"{socket.gethostname()} pid {os.getpid()}"


def own_job(connection: "psycopg.Connection[Any]", job: int) -> None:
    """Takes the job for as long as the connection lasts. Raises `JobBusyError`, which names who has it.

    A moment is left to a session that was just closed: the server lets go of its locks after its client.
    """
    number = _number(f"job {job}")
    if not _take(connection, number):
        raise JobBusyError(f"job {job} is being run by {_holder(connection, job, number)}; pause it, or wait")


def own_range(
    connection: "psycopg.Connection[Any]", job: int, range_: int, seconds: float, halted: Callable[[], bool]
) -> None:
    """Takes a range; waits for a worker that outlived its run to finish its batch and find that out."""
    number = _number(f"job {job} range {range_}")
    deadline = time.monotonic() + seconds
    while not _try(connection, number):
        if time.monotonic() > deadline or halted():
            holder = _holder(connection, job, number)
            raise JobBusyError(f"range {range_} of job {job} is being worked on by {holder}; end that first")
        time.sleep(0.1)


def own_move(connection: "psycopg.Connection[Any]", move: Move) -> None:
    """Takes a column's handing over for as long as the connection lasts. Raises `JobBusyError`."""
    if not _take(connection, _number(f"move {move.slug}")):
        raise JobBusyError(f"{move.place}: another process is just handing it over; wait for that to end")


def _number(what: str) -> int:
    digest = hashlib.sha256(f"sqlalchemy-envelope {what}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _take(connection: "psycopg.Connection[Any]", number: int) -> bool:
    """Whether a lock was to be had, now or a moment later."""
    deadline = time.monotonic() + CLOSING
    while not _try(connection, number):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _try(connection: "psycopg.Connection[Any]", number: int) -> bool:
    found = connection.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
    return bool(found and found[0])


def _holder(connection: "psycopg.Connection[Any]", job: int, number: int) -> str:
    unsigned = number % 2**64
    found = connection.execute(_HOLDER, [job, unsigned >> 32, unsigned % 2**32]).fetchone()
    if found is None:
        return "somebody who just ended"
    name, pid, application = found
    return f"{name or 'somebody'} (backend {pid}, {application or 'no application name'})"


_HOLDER = """
SELECT (SELECT owner FROM envelope.job WHERE id = %s), a.pid, a.application_name
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s
    AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
