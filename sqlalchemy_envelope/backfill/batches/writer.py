"""Writes a batch: one UPDATE from arrays, of rows that are still as they were read, and none other.

Compare-and-set: a row's `xmin` is another once anybody changed it (a rotation compares what it replaces), and
PostgreSQL looks again after waiting for a lock. Binary arrays, because as text their bytes would be written
out as digits and read back.
"""

from collections.abc import Callable
from typing import Any

import psycopg

from ...errors import BackfillError
from ..postgres.faults import Fault, cause, sort
from ..postgres.keyset import Key
from ..rows.setting import Setting
from .arrays import Packed, packed, register
from .batch import Bad, Batch
from .checkpoint import Tally

__tracebackhide__ = True  # pytest prints no locals of these frames: decrypted values pass through

Written = tuple[int, list[Bad]]
"""How many rows were written, and those that can't be; the others were changed meanwhile."""

Write = Callable[[Batch], Written]


def write_nothing(batch: Batch) -> Written:
    """For work that only looks: every row is done."""
    return len(batch.keys), []


def update_sql(leaf: str, key: Key, setting: Setting) -> str:
    """The statement; its parameters are the columns of the key, the stamp and the cells, as arrays."""
    arrays = {f"envelope_k{n}": "text" for n in range(len(key.names))} | {"envelope_x": setting.stamp.array}
    arrays |= {f"envelope_w{n}": array for n, (_, array, _) in enumerate(setting.columns) if array}
    columns = ", ".join(f"unnest(%b::{type_}[]) AS {name}" for name, type_ in arrays.items())
    sets = ", ".join(
        f"{name} = v.envelope_w{n}::{cast}" if array else f"{name} = {cast}"
        for n, (name, array, cast) in enumerate(setting.columns)
    )
    return (
        f"UPDATE ONLY {leaf} AS t SET {sets} FROM (SELECT {columns}) AS v"
        f" WHERE {key.matches('t', 'v')} AND {unchanged(setting)} RETURNING {setting.promise} AS kept"
    )


def unchanged(setting: Setting) -> str:
    """That a row is still as it was read: the same stamp, and pending.

    By a CASE over both sides of the join, which the planner can't use to guess how few rows may be pending.
    """
    pending = f"CASE WHEN v.envelope_x IS NULL THEN false ELSE {setting.pending} END"
    return f"{setting.stamp.sql} = v.envelope_x::{setting.stamp.type} AND {pending}"


class Writer:
    """Writes the batches of one leaf, within the caller's transactions."""

    def __init__(
        self, connection: "psycopg.Connection[Any]", leaf: str, key: Key, setting: Setting, place: str
    ) -> None:
        register(connection)
        self._connection = connection
        self._stamp = setting.stamp.array
        self._types = [array for _, array, _ in setting.columns if array]
        self._update = update_sql(leaf, key, setting).encode()
        self._tally = b"written AS (" + self._update + b"), " + _TALLY
        self._free = _free_sql(leaf, key).encode()
        self._place = place

    def tally(self, batch: Batch) -> Tally:
        """Writes the whole batch within the statement that records it: one round trip, one transaction.

        A promise that was not kept is a division by zero, which takes all of it back.
        """
        return Tally(self._tally, self._parameters(batch)) if batch.keys else Tally.of(0)

    def write(self, batch: Batch) -> Written:
        """The whole batch at once."""
        if not batch.keys:
            return 0, []
        kept = self._connection.execute(self._update, self._parameters(batch)).fetchall()
        if not all(promise for (promise,) in kept):
            raise BackfillError(
                f"{self._place}: a trigger of the table undid what was written, or its type rounds it, and"
                " the batch was taken back; see to that trigger (that of a move: create it anew, for what"
                " holds the truth now), or give the type more digits"
            )
        return len(kept), []

    def write_free(self, batch: Batch) -> Written:
        """The same without waiting for rows that others have locked: those count as changed."""
        found = self._connection.execute(self._free, self._keys(batch)).fetchall()
        free = {row[0] - 1 for row in found}
        return self.write(batch.part(sorted(free)))

    def write_each(self, batch: Batch) -> Written:
        """The same, where it fails for a row's sake: by halves, down to that row, in savepoints.

        A row that somebody has locked all the time counts as changed.
        """
        try:
            with self._connection.transaction():
                return self.write(batch)
        except psycopg.Error as error:
            locked = isinstance(error, psycopg.errors.LockNotAvailable)
            if not locked and sort(error) is not Fault.QUARANTINE:
                raise
            reason = cause(error)
        if len(batch.keys) == 1:
            return 0, [] if locked else [Bad(batch.keys[0], reason)]
        middle = len(batch.keys) // 2
        halves = (range(middle), range(middle, len(batch.keys)))
        (done, bad), (more, worse) = (self.write_each(batch.part(half)) for half in halves)
        return done + more, bad + worse

    def _parameters(self, batch: Batch) -> list[Packed]:
        cells = map(packed, self._types, batch.cells)
        return [*self._keys(batch), packed(self._stamp, batch.stamps), *cells]

    def _keys(self, batch: Batch) -> list[Packed]:
        return [packed("text", column) for column in zip(*batch.keys, strict=True)]


_TALLY = b"""tally AS (
    SELECT count(*) / CASE WHEN coalesce(bool_and(kept), true) THEN 1 ELSE 0 END AS written FROM written
)"""


def _free_sql(leaf: str, key: Key) -> str:
    arrays = ", ".join(["%b::text[]"] * len(key.names))
    names = ", ".join(f"envelope_k{n}" for n in range(len(key.names)))
    return (
        f"SELECT v.envelope_n::int FROM unnest({arrays}) WITH ORDINALITY AS v ({names}, envelope_n)"
        f" JOIN ONLY {leaf} AS t ON {key.matches('t', 'v')} FOR NO KEY UPDATE OF t SKIP LOCKED"
    )
