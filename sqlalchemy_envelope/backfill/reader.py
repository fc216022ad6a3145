"""Reads a range batch by batch, each one short statement outside of any transaction."""

import time
from dataclasses import replace
from typing import Any

import psycopg

from .batch import Bad, Batch
from .faults import Fault, cause, sort
from .keyset import Key, Place, Span
from .steps import Step

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

SPARSE = 0.05
"""Where less of a batch is pending, the next rows are counted off along the key and only those come."""

STRIDE = 10
"""How many times as far that goes."""


class Reader:
    """Bounded by rows looked at, not by rows found: nothing pending for a million rows is no long scan."""

    def __init__(self, connection: "psycopg.Connection[Any]", key: Key, span: Span, step: Step) -> None:
        self._connection = connection
        self._key, self._span, self._step = key, span, step
        self._columns = len(key.names)
        self._sparse = False
        selected = step.selected
        self._parameters = {name: value for each in selected for name, value in each.parameters.items()}
        # Only of pending rows: another's value never leaves the database.
        values = "".join(f", CASE WHEN {step.pending} THEN {each.sql} END" for each in selected)
        self._whole, self._bare = (
            f"SELECT {key.as_text}, xmin::text, {step.pending}{each} FROM ONLY {span.leaf}"
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
        left = replace(self._span, after=after)
        edge = self._place_at(left, limit * STRIDE)
        stretch = left if edge is None else replace(left, up_to=edge)
        try:
            found = self._rows(self._whole, stretch, limit, f"({self._step.pending})")
        except (psycopg.Error, UnicodeDecodeError) as error:
            if sort(error) is not Fault.QUARANTINE:
                raise
            return None
        batch = self._batch(found)
        if len(found) < limit:
            batch.read, batch.last = self._count(left) if edge is None else limit * STRIDE, stretch.up_to
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
        batch.keys, batch.xmins, batch.rows = [], [], []
        return batch

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
