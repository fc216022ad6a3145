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


class Reader:
    """Bounded by rows looked at, not by rows found: nothing pending for a million rows is no long scan."""

    def __init__(self, connection: "psycopg.Connection[Any]", key: Key, span: Span, step: Step) -> None:
        self._connection = connection
        self._key, self._span, self._step = key, span, step
        self._columns = len(key.names)
        selected = step.selected
        self._parameters = {name: value for each in selected for name, value in each.parameters.items()}
        # Only of pending rows: another's value never leaves the database.
        values = "".join(f", CASE WHEN {step.pending} THEN {each.sql} END" for each in selected)
        self._whole, self._bare = self._query(values), self._query("")

    def _query(self, values: str) -> str:
        key = self._key
        return (
            f"SELECT {key.as_text}, xmin::text, {self._step.pending}{values} FROM ONLY {self._span.leaf}"
            f" WHERE {{condition}} ORDER BY {key.columns} LIMIT %(limit)s"
        )

    def read(self, after: Place | None, limit: int) -> Batch:
        """The next batch after a place, worked on; where the reading fails for a row, a smaller one."""
        began = time.monotonic()
        batch = self._read(after, limit)
        batch.work(self._step.work)
        batch.seconds = time.monotonic() - began
        return batch

    def _read(self, after: Place | None, limit: int) -> Batch:
        while True:
            try:
                return self._batch(self._rows(self._whole, after, limit))
            except (psycopg.Error, UnicodeDecodeError) as error:
                if sort(error) is not Fault.QUARANTINE:
                    raise
                reason = cause(error)
            if limit == 1:
                return self._unreadable(after, reason)
            limit = max(1, limit // 2)

    def _unreadable(self, after: Place | None, reason: str) -> Batch:
        batch = self._batch(self._rows(self._bare, after, 1))
        batch.bad = [Bad(place, reason) for place in batch.keys]
        batch.keys, batch.xmins, batch.rows = [], [], []
        return batch

    def _rows(self, query: str, after: Place | None, limit: int) -> list[Any]:
        condition, bounds = self._key.within(replace(self._span, after=after))
        parameters = {**self._parameters, **bounds, "limit": limit}
        return self._connection.execute(
            query.replace("{condition}", condition).encode(), parameters
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
