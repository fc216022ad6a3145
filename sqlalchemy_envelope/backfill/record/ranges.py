"""The record of ranges, `envelope.job_range`: what a pass has to visit, and how far each part of it is.

A number is used once in a job: a worker that outlived its run finds its range gone, and its batch fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ..postgres.keyset import Place, Span, last_place, split
from ..postgres.relation import Relation


@dataclass(frozen=True)
class Range:
    """One range: the rows of `span`, of which those up to `cursor` are done."""

    number: int
    span: Span
    cursor: Place | None

    @property
    def left(self) -> Span:
        """What is left of it."""
        return Span(self.span.leaf, self.cursor or self.span.after, self.span.up_to)


def undone(connection: "psycopg.Connection[Any]", job: int) -> list[Range]:
    """The ranges of a job that are not done yet."""
    rows = connection.execute(f"{_SELECT} AND NOT done ORDER BY number".encode(), [job])
    return [_range(row) for row in rows]


def find(connection: "psycopg.Connection[Any]", job: int, number: int) -> Range | None:
    """A range that is not done yet; None where it is, or is no more."""
    found = connection.execute(f"{_SELECT} AND NOT done AND number = %s".encode(), [job, number]).fetchone()
    return None if found is None else _range(found)


def begin_pass(connection: "psycopg.Connection[Any]", job: int, relation: Relation, workers: int) -> None:
    """Ranges for every row that there is now, and one pass more on the job's count."""
    key = relation.key
    assert key is not None  # noqa: S101 - refused before
    spans = [Span(leaf.sql, None, last_place(connection, key, leaf.sql)) for leaf in relation.leaves]
    spans = [span for span in spans if span.up_to is not None]  # an empty leaf has no last key
    _replace(connection, job, _spread(connection, relation, spans, _wanted(relation, workers)))
    connection.execute("UPDATE envelope.job SET sweep = sweep + 1, rows_read = 0 WHERE id = %s", [job])


def redistribute(connection: "psycopg.Connection[Any]", job: int, relation: Relation, workers: int) -> None:
    """What is left in new ranges, enough for the workers, without those of partitions that are gone.

    Always, even where they would do: the workers of a run that died then find theirs gone, and end.
    """
    present = {leaf.sql for leaf in relation.leaves}
    spans = [each.left for each in undone(connection, job) if each.span.leaf in present]
    wanted = _wanted(relation, workers) if len(spans) < workers else 1
    _replace(connection, job, _spread(connection, relation, spans, wanted))


PARTS_A_WORKER = 4
"""More ranges than workers, so that none is idle while another is at the last one."""


ROWS_A_PART = 50_000
"""Fewer rows than these are not worth the two connections that a range takes."""


def _wanted(relation: Relation, workers: int) -> int:
    parts = relation.rows // ROWS_A_PART
    return 1 if workers == 1 else max(workers, min(parts, workers * PARTS_A_WORKER))


def _spread(
    connection: "psycopg.Connection[Any]", relation: Relation, spans: Sequence[Span], wanted: int
) -> list[Span]:
    assert relation.key is not None  # noqa: S101 - refused before
    rows = {leaf.sql: leaf.rows for leaf in relation.leaves}
    total = max(1, sum(rows[span.leaf] for span in spans))
    spread: list[Span] = []
    for span in spans:
        parts = max(1, round(wanted * rows[span.leaf] / total))
        spread += split(connection, relation.key, span, parts, rows[span.leaf])
    return spread


def _replace(connection: "psycopg.Connection[Any]", job: int, spans: Sequence[Span]) -> None:
    with connection.transaction():
        last = connection.execute(
            "SELECT coalesce(max(number), 0) FROM envelope.job_range WHERE job = %s", [job]
        ).fetchone()
        assert last is not None  # noqa: S101 - an aggregate
        # The last number stays known, in a range that is done.
        connection.execute("DELETE FROM envelope.job_range WHERE job = %s AND number < %s", [job, last[0]])
        connection.execute("UPDATE envelope.job_range SET done = true WHERE job = %s", [job])
        for number, span in enumerate(spans, last[0] + 1):
            bounds = [_json(span.after), _json(span.up_to)]
            connection.execute(_INSERT, [job, number, span.leaf, *bounds])


_SELECT = "SELECT number, relation, lower, upper, cursor FROM envelope.job_range WHERE job = %s"
_INSERT = "INSERT INTO envelope.job_range (job, number, relation, lower, upper) VALUES (%s, %s, %s, %s, %s)"


def _range(row: Any) -> Range:
    number, leaf, *places = row
    after, up_to, cursor = (None if place is None else tuple(place) for place in places)
    return Range(number, Span(leaf, after, up_to), cursor)


def _json(place: Place | None) -> Jsonb | None:
    return None if place is None else Jsonb(list(place))
