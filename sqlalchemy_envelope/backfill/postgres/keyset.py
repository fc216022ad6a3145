"""Where in a table: a key of any columns, the ranges it is split into, and batches bounded by both.

Keys travel as text, each column by the type's own output, and are cast back by its input: exact for every
type, given the settings of `session.py`, and fit for JSON. Comparing and ordering stay with PostgreSQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from .names import quoted

Place = tuple[str, ...]
"""One row's key as text, column by column."""


@dataclass(frozen=True)
class Key:
    """The columns that rows are visited by, and their types as SQL."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def columns(self) -> str:
        """The columns, for ORDER BY."""
        return ", ".join(map(quoted, self.names))

    @property
    def as_text(self) -> str:
        """The columns as text, for a columns clause. Named: ORDER BY would take the text otherwise."""
        return ", ".join(f"{quoted(name)}::text AS envelope_k{n}" for n, name in enumerate(self.names))

    def matches(self, table: str, arrays: str) -> str:
        """That a row of `table` is that of `arrays`, whose columns are envelope_k0, envelope_k1, ..."""
        each = enumerate(zip(self.names, self.types, strict=True))
        return " AND ".join(
            f"{table}.{quoted(name)} = {arrays}.envelope_k{n}::{type_}" for n, (name, type_) in each
        )

    def within(self, span: "Span") -> tuple[str, dict[str, str]]:
        """A condition for the rows of a span, and its parameters."""
        bounds = [(">", "after", span.after), ("<=", "up_to", span.up_to)]
        given = [(sign, name, place) for sign, name, place in bounds if place is not None]
        parameters = {f"{name}_{n}": text for _, name, place in given for n, text in enumerate(place)}
        return " AND ".join(self._compared(sign, name) for sign, name, _ in given) or "true", parameters

    def _compared(self, sign: str, name: str) -> str:
        """By rows: `a > x OR a = x AND b > y` would be planned as a bitmap and a sort."""
        bounds = ", ".join(f"%({name}_{n})s::{type_}" for n, type_ in enumerate(self.types))
        return f"({self.columns}) {sign} ({bounds})"


@dataclass(frozen=True)
class Span:
    """The rows of one leaf after one place and up to another; None: from the first, to the last."""

    leaf: str
    after: Place | None = None
    up_to: Place | None = None


SAMPLED_ROWS = 20_000
"""As many places as a split looks at: parts are then even to a few percent."""


def last_place(connection: "psycopg.Connection[Any]", key: Key, leaf: str) -> Place | None:
    """The last key there is now: what comes after it has no end, so a pass ends here."""
    down = ", ".join(f"{quoted(name)} DESC" for name in key.names)
    query = f"SELECT {key.as_text} FROM ONLY {leaf} ORDER BY {down} LIMIT 1"
    return connection.execute(query.encode(), {}).fetchone()


def split(connection: "psycopg.Connection[Any]", key: Key, span: Span, parts: int, rows: int) -> list[Span]:
    """The span in at most `parts` disjoint ones that cover it, about even, by the keys of a sample.

    `rows`: how many the leaf has, about. The bounds are keys that exist: no arithmetic on keys, which need
    not be numbers nor evenly spread.
    """
    if parts < 2:
        return [span]
    condition, parameters = key.within(span)
    percent = 100.0 if rows <= SAMPLED_ROWS else max(100.0 * SAMPLED_ROWS / rows, 0.001)
    query = _SPLIT.format(
        text=key.as_text,
        columns=key.columns,
        down=", ".join(f"{quoted(name)} DESC" for name in key.names),
        leaf=span.leaf,
        condition=condition,
    )
    found = connection.execute(query.encode(), {**parameters, "parts": parts, "percent": percent})
    return between(span, [tuple(row) for row in found])


def between(span: Span, places: Sequence[Place]) -> list[Span]:
    """The span cut at each of these places, which lie within it, in order; a cut at its end is none."""
    inner = [place for place in places if place != span.up_to]
    return [
        Span(span.leaf, after, up_to)
        for after, up_to in zip([span.after, *inner], [*inner, span.up_to], strict=True)
    ]


_SPLIT = """
WITH sample AS (
    SELECT {columns}, ntile(%(parts)s) OVER (ORDER BY {columns}) AS part
    FROM ONLY {leaf} TABLESAMPLE SYSTEM (%(percent)s) WHERE {condition}
), bound AS (
    SELECT DISTINCT ON (part) part, {columns} FROM sample WHERE part < %(parts)s ORDER BY part, {down}
)
SELECT {text} FROM bound ORDER BY {columns}"""
