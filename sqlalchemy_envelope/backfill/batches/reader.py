"""Reads a range batch by batch, each one short statement outside of any transaction."""

import time
from dataclasses import replace
from typing import Any

import psycopg

from ..postgres.faults import Fault, cause, sort
from ..postgres.keyset import Key, Place, Span
from ..rows.setting import XMIN, Step
from .batch import Bad, Batch

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

SPARSE = 0.05
"""Where less of a batch is pending, the next rows are counted off along the key and only those come."""

STRIDE = 10
"""How many times as far that goes."""


class Reader:
    """Bounded by rows looked at, not by rows found: nothing pending for a million rows is no long scan."""

    def __init__(
        self,
        connection: "psycopg.Connection[Any]",
        key: Key,
        span: Span,
        step: Step,
        weight: str | None = None,
        most_bytes: int = 0,
    ) -> None:
        self._connection = connection
        self._weight, self._most_bytes = weight, most_bytes
        self._key, self._span, self._step = key, span, step
        self._columns = len(key.names)
        self._sparse = False
        selected = step.selected
        self._parameters = {name: value for each in selected for name, value in each.parameters.items()}
        # Only of pending rows: another's value never leaves the database.
        values = "".join(f", CASE WHEN {step.pending} THEN {each.sql} END" for each in selected)
        stamp = step.setting.stamp if step.setting else XMIN
        self._whole, self._bare = (
            f"SELECT {key.as_text}, {stamp.sql}::{stamp.array}, {step.pending}{each} FROM ONLY {span.leaf}"
            for each in (values, "")
        )

    def read(self, after: Place | None, limit: int) -> Batch:
        """The next batch after a place, worked on; where the reading fails for a row, a smaller one."""
        began = time.monotonic()
        batch = (self._skim(after, limit) if self._sparse else None) or self._read(after, limit)
        self._sparse = len(batch.rows) < batch.read * SPARSE
        batch.work(self._step.work)
        batch.seconds = time.monotonic() - began
        return batch

    def _read(self, after: Place | None, limit: int) -> Batch:
        limit = self._fitting(replace(self._span, after=after), limit)
        while True:
            try:
                return self._batch(self._rows(self._whole, replace(self._span, after=after), limit))
            except (psycopg.Error, UnicodeDecodeError) as error:
                if sort(error) is not Fault.QUARANTINE:
                    raise
                reason = cause(error)
            if limit == 1:
                return self._unreadable(after, reason)
            limit = max(1, limit // 2)

    def _skim(self, after: Place | None, limit: int) -> Batch | None:
        """The pending rows of a long stretch, or of all that is left; None where one can't be read."""
        left, distance = replace(self._span, after=after), limit * STRIDE
        edge = self._place_at(left, distance)
        stretch = left if edge is None else replace(left, up_to=edge)
        limit = self._fitting(stretch, limit, f"({self._step.pending})")
        try:
            found = self._rows(self._whole, stretch, limit, f"({self._step.pending})")
        except (psycopg.Error, UnicodeDecodeError) as error:
            if sort(error) is not Fault.QUARANTINE:
                raise
            return None
        batch = self._batch(found)
        if len(found) < limit:
            batch.read, batch.last = self._count(left) if edge is None else distance, stretch.up_to
        return batch

    def _place_at(self, span: Span, distance: int) -> Place | None:
        """The key so many rows on. Only that one is made a text: rows that are passed over would be too."""
        condition, bounds = self._key.within(span)
        query = (
            f"SELECT {self._key.as_text} FROM (SELECT {self._key.columns} FROM ONLY {span.leaf}"
            f" WHERE {condition} ORDER BY {self._key.columns} OFFSET %(distance)s LIMIT 1) AS edge"
        )
        parameters = {**bounds, "distance": distance - 1}
        return self._connection.execute(query.encode(), parameters).fetchone()

    def _count(self, span: Span) -> int:
        condition, bounds = self._key.within(span)
        query = f"SELECT count(*) FROM ONLY {span.leaf} WHERE {condition}"
        found = self._connection.execute(query.encode(), bounds).fetchone()
        return found[0] if found else 0

    def _unreadable(self, after: Place | None, reason: str) -> Batch:
        batch = self._batch(self._rows(self._bare, replace(self._span, after=after), 1))
        batch.bad = [Bad(place, reason) for place in batch.keys]
        batch.keys, batch.stamps, batch.rows = [], [], []
        return batch

    def _fitting(self, span: Span, limit: int, pending: str = "true") -> int:
        """How many of the next rows are not too much at once: one at least."""
        if self._weight is None:
            return limit
        condition, bounds = self._key.within(span)
        rows = (
            f"SELECT sum(CASE WHEN {self._step.pending} THEN {self._weight} ELSE 0 END)"
            f" OVER (ORDER BY {self._key.columns} ROWS UNBOUNDED PRECEDING) AS bytes FROM ONLY {span.leaf}"
            f" WHERE {condition} AND {pending} ORDER BY {self._key.columns} LIMIT %(limit)s"
        )
        query = f"SELECT count(*) FROM ({rows}) AS rows WHERE bytes <= %(most)s"
        parameters = {**bounds, "limit": limit, "most": self._most_bytes}
        found = self._connection.execute(query.encode(), parameters).fetchone()
        return max(1, found[0] if found else limit)

    def _rows(self, query: str, span: Span, limit: int, pending: str = "true") -> list[Any]:
        condition, bounds = self._key.within(span)
        whole = f"{query} WHERE {condition} AND {pending} ORDER BY {self._key.columns} LIMIT %(limit)s"
        return self._connection.execute(
            whole.encode(), {**self._parameters, **bounds, "limit": limit}
        ).fetchall()

    def _batch(self, rows: list[Any]) -> Batch:
        end = self._columns
        pending = [row for row in rows if row[end + 1]]
        return Batch(
            len(rows),
            rows[-1][:end] if rows else None,
            [row[:end] for row in pending],
            [row[end] for row in pending],
            [row[end + 2 :] for row in pending],
        )
