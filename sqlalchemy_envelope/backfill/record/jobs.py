"""The record of jobs, `envelope.job`: what is to be done, how far it is, and what was done before."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from ...errors import ConfigurationError
from ..postgres.quoting import here, literal
from ..subject.kind import Kind
from ..subject.move import Move
from .moves import RecordedMove


class State(StrEnum):
    """Where a job is. `running` says only that somebody began: whether he still is, the lock says."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """A job as recorded; times are aware. `rows_read` is of the present pass, the others of all.

    `move`, `rotation` or `fill`: the id of what it is about; the others are None.
    """

    id: int
    move: int | None
    kind: Kind
    state: State
    source: str | None
    sweep: int
    rows_estimated: int | None
    rows_read: int
    rows_done: int
    rows_raced: int
    rows_quarantined: int
    owner: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None
    rotation: int | None = None
    fill: int | None = None


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that could not be moved: its key as text, column by column, and the cause in a word."""

    relation: str
    key: tuple[str, ...]
    cause: str
    attempts: int
    noted_at: datetime


GIVEN = "(an object)"
"""Recorded in the place of a path, for a source that has none: it has to be given again."""

_LATER = ("rotation", "fill")
"""Read so that it is NULL, and no error, where the record is still of an earlier version."""

_COLUMNS = ", ".join(
    f"(to_jsonb(job) ->> '{field.name}')::bigint" if field.name in _LATER else field.name
    for field in fields(Job)
)

_READING = frozenset({Kind.ENCRYPT, Kind.VERIFY})
"""Jobs that read the old value."""

_LAST_SOURCE = (
    "SELECT source FROM envelope.job AS earlier WHERE earlier.move = move.id AND source IS NOT NULL"
    " AND earlier.created_at >= move.begun_at"
    " AND NOT EXISTS (SELECT FROM envelope.job AS back WHERE back.move = move.id AND back.kind = 'decrypt'"
    " AND back.id > earlier.id AND back.rows_done > 0) ORDER BY id DESC LIMIT 1"
)
"""Of a row of `envelope.move`. What was decrypted since is stored as it is, and no source reads it."""


def record_job(
    connection: "psycopg.Connection[Any]",
    recorded_move: RecordedMove,
    kind: Kind | str,
    source: str | None = None,
) -> Job:
    """A job for a move: the one that is not done yet, if there is one, else a new one.

    `source`: the import path `module:attribute` of what reads the old value. Where none is given, that of the
    job that is there, or of the last one that had any, unless values were decrypted since.
    """
    connection.execute(record_job_sql(recorded_move.move, kind, source).encode())
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM envelope.job WHERE move = %s AND kind = %s AND state <> 'done'".encode(),
        [recorded_move.id, Kind(kind)],
    ).fetchone()
    if found is None:
        raise ConfigurationError(f"{recorded_move.move.place}: its move is not recorded; record it first")
    return _job(found)


def record_job_sql(move: Move, kind: Kind | str, source: str | None = None) -> str:
    """One statement with literals only that records a job, or gives the unfinished one its source.

    A job that reads the old column goes on reading it as the move's last one did: what a Fernet token says
    is the value, and to seal the token itself would be to lose it.
    """
    usual = f"({_LAST_SOURCE})" if Kind(kind) in _READING else "NULL"
    return (
        "INSERT INTO envelope.job (move, kind, source)\n"
        f"SELECT id, {literal(Kind(kind).value)}, {usual if source is None else literal(source)}\n"
        f"FROM envelope.move WHERE {here(move)}\n"
        "ON CONFLICT (move, kind) WHERE state <> 'done' DO "
        + ("NOTHING" if source is None else "UPDATE SET source = excluded.source")
    )


def last_source(connection: "psycopg.Connection[Any]", recorded_move: RecordedMove, kind: Kind) -> str | None:
    """What a new job would be recorded with that names no source itself."""
    if kind not in _READING:
        return None
    query = f"SELECT ({_LAST_SOURCE}) FROM envelope.move WHERE id = %s"
    found = connection.execute(query.encode(), [recorded_move.id]).fetchone()
    return found[0] if found else None


def jobs(connection: "psycopg.Connection[Any]") -> list[Job]:
    """Every job, those that are done included, in the order of their recording."""
    known = connection.execute("SELECT to_regclass('envelope.job')").fetchone()
    if known is None or known[0] is None:
        return []
    rows = connection.execute(f"SELECT {_COLUMNS} FROM envelope.job ORDER BY id".encode())
    return [_job(row) for row in rows]


def job(connection: "psycopg.Connection[Any]", id_: int) -> Job:
    """One job. Raises `ConfigurationError` where there is none."""
    found = next((each for each in jobs(connection) if each.id == id_), None)
    if found is None:
        raise ConfigurationError(f"there is no job {id_}; see the list of jobs")
    return found


def quarantined(connection: "psycopg.Connection[Any]", id_: int) -> list[QuarantinedRow]:
    """The rows of a job that could not be moved, by key; for `verify`, that are not what they should be."""
    rows = connection.execute(
        "SELECT relation, key, cause, attempts, noted_at FROM envelope.job_row WHERE job = %s"
        " ORDER BY noted_at, relation, key",
        [id_],
    )
    return [QuarantinedRow(relation, tuple(key), *rest) for relation, key, *rest in rows]


def pause(connection: "psycopg.Connection[Any]", id_: int) -> Job:
    """Stops a job after the batch that it is at, until it is resumed. Raises where it is over."""
    return _become(connection, id_, State.PAUSED, (State.READY, State.RUNNING))


def resume(connection: "psycopg.Connection[Any]", id_: int) -> Job:
    """Lets a paused job be run again, from where it was. It does not run it."""
    return _become(connection, id_, State.READY, (State.PAUSED,))


def _become(connection: "psycopg.Connection[Any]", id_: int, state: State, before: tuple[State, ...]) -> Job:
    job(connection, id_)
    with connection.transaction():
        changed = connection.execute(
            "UPDATE envelope.job SET state = %s WHERE id = %s AND state = ANY(%s)", [state, id_, list(before)]
        )
        found = job(connection, id_)
        if not changed.rowcount and found.state is not state:
            raise ConfigurationError(
                f"job {id_} is {found.state}: only one that is {' or '.join(before)} can become {state}"
            )
    return found


def _job(row: Any) -> Job:
    id_, move, kind, state, *rest = row
    return Job(id_, move, Kind(kind), State(state), *rest)
