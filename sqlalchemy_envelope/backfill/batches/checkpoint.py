"""What is recorded with a batch, in its own transaction: the place reached, the counts, the rows given up."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ...errors import BackfillError
from ..postgres.keyset import Place
from ..record.jobs import State
from .batch import Bad


@dataclass(frozen=True)
class Counts:
    """Rows: `read` were looked at, `done` written or found right, `raced` changed meanwhile.

    `bad`: given up that had not been before.
    """

    read: int = 0
    done: int = 0
    raced: int = 0
    bad: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.read + other.read, self.done + other.done, self.raced + other.raced, self.bad + other.bad
        )

    @property
    def found(self) -> int:
        """Rows that were pending and not known to be beyond moving: while there are any, a pass follows."""
        return self.done + self.raced + self.bad


@dataclass(frozen=True)
class Progress:
    """How far a job is. `rows_read` is of the present pass (`sweep`, from 1), the others of all passes."""

    state: State
    sweep: int
    rows_estimated: int | None
    rows_read: int
    rows_done: int
    rows_raced: int
    rows_quarantined: int
    waiting_for: str = ""
    """What a throttle waits for; empty while it does not."""


@dataclass(frozen=True)
class Tally:
    """SQL that says how many rows were written: it writes them, or somebody did before."""

    sql: bytes
    parameters: Sequence[Any] = field(default=(), repr=False)

    @classmethod
    def of(cls, written: int) -> "Tally":
        """Of a number that is known."""
        return cls(b"tally AS (SELECT %s::bigint AS written)", [written])


@dataclass(frozen=True)
class Reach:
    """How far a batch reaches. Rows: `read`, `tried` to be written, `quarantined` more than before."""

    cursor: Place | None
    done: bool
    read: int
    tried: int
    quarantined: int = 0


class Checkpoint:
    """The record of one range's progress, over its worker's own connection."""

    def __init__(self, connection: "psycopg.Connection[Any]", job: int, number: int, leaf: str) -> None:
        self._connection = connection
        self._job, self._number, self._leaf = job, number, leaf
        rows = connection.execute(
            "SELECT key FROM envelope.job_row WHERE job = %s AND relation = %s", [job, leaf]
        )
        self._quarantined = {tuple(key) for (key,) in rows}

    @property
    def clean(self) -> bool:
        """Whether no row of the leaf is in quarantine."""
        return not self._quarantined

    def keep(self, reach: Reach, tally: Tally) -> tuple[Progress, int]:
        """Last in the batch's transaction, or all of it: the progress now, and how many rows were written."""
        place = None if reach.cursor is None else Jsonb(list(reach.cursor))
        parameters = [*tally.parameters, place, reach.done, self._job, self._number]
        parameters += [reach.read, reach.tried, reach.quarantined, self._job]
        found = self._connection.execute(_KEEP.replace(b"{tally}", tally.sql), parameters).fetchone()
        if found is None:
            raise BackfillError(f"job {self._job} was taken over by another run")
        state, *rest, written = found
        return Progress(State(state), *rest), written

    def release(self, places: AbstractSet[Place]) -> int:
        """Takes rows that were moved after all out of the quarantine: how many there were."""
        freed = self._quarantined.intersection(places) if self._quarantined else ()
        for place in freed:
            self._connection.execute(_RELEASE, [self._job, self._leaf, Jsonb(list(place))])
        self._quarantined.difference_update(freed)
        return len(freed)

    def quarantine(self, bad: Sequence[Bad]) -> int:
        """Records rows that can't be moved, by key and cause: how many are new to it."""
        new = sum(each.place not in self._quarantined for each in bad)
        for each in bad:
            row = [self._job, self._leaf, Jsonb(list(each.place)), each.cause]
            self._connection.execute(_QUARANTINE, row)
            self._quarantined.add(each.place)
        return new

    def progress(self) -> Progress:
        """As it stands, whoever changed it."""
        found = self._connection.execute(f"SELECT {PROGRESS} FROM envelope.job WHERE id = %s", [self._job])
        state, *rest = found.fetchone() or (State.FAILED, 0, None, 0, 0, 0, 0)
        return Progress(State(state), *rest)


PROGRESS = "state, sweep, rows_estimated, rows_read, rows_done, rows_raced, rows_quarantined"

_KEEP = f"""
WITH {{tally}}, range AS (
    UPDATE envelope.job_range SET cursor = coalesce(%s, cursor), done = %s
    WHERE job = %s AND number = %s AND NOT done RETURNING number
)
UPDATE envelope.job SET rows_read = rows_read + %s, rows_done = rows_done + tally.written,
    rows_raced = rows_raced + %s - tally.written, rows_quarantined = rows_quarantined + %s,
    heartbeat_at = now()
FROM tally WHERE id = %s AND EXISTS (SELECT FROM range) RETURNING {PROGRESS}, tally.written""".encode()
"""All workers of a job write its row, and from here to the commit they wait for each other."""

_RELEASE = "DELETE FROM envelope.job_row WHERE job = %s AND relation = %s AND key = %s"

_QUARANTINE = """
INSERT INTO envelope.job_row (job, relation, key, cause) VALUES (%s, %s, %s, %s)
ON CONFLICT (job, relation, key) DO UPDATE
SET cause = excluded.cause, attempts = job_row.attempts + 1, noted_at = now()"""
