"""How far the encrypted columns of a database are: rows, versions and keys, by SQL alone and without keys.

One pass over each table, whatever it has of columns, versions and keys. Reads only: a replica will do.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg

from ..postgres.names import qualified
from ..record import fills
from ..rows.filling import fill_pending
from ..subject.fill import Fill
from ..subject.kind import Kind
from .counting import SAMPLE, count_sql, estimated_rows, may_read
from .inventory import StoredPair, pairs


@dataclass(frozen=True)
class ColumnStatus:
    """One encrypted column, in rows. `None` for what this role may not read.

    `plain` hold a value in the plaintext column, `encrypted` one in the pair, `pending` are still to be moved
    and `null` hold no value at all. `versions` by stored format (1, 2, 3), `keys` by the id of the key that
    wrapped the data key, in hex; both of encrypted rows. `exact` says whether all rows were counted.
    `indexes`: of each blind index that is known here, by its column, the rows without a digest under the key
    that is written with; None where the table of keys can't be read. Those are always counted.
    """

    schema: str
    table: str
    column: str
    content: str | None
    plaintext: str | None
    authority: str | None
    guarded: bool
    verified_at: datetime | None
    exact: bool
    rows: int | None = None
    plain: int | None = None
    pending: int | None = None
    encrypted: int | None = None
    null: int | None = None
    versions: dict[int, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    indexes: dict[str, int | None] = field(default_factory=dict)


def columns(connection: "psycopg.Connection[Any]", *, exact: bool = True) -> list[ColumnStatus]:
    """Every encrypted column. Not `exact`: of large tables a sample, scaled to the planner's estimate."""
    found: list[ColumnStatus] = []
    ordered = sorted(pairs(connection), key=lambda pair: (pair.schema, pair.table, pair.column))
    for _, group in groupby(ordered, key=lambda pair: (pair.schema, pair.table)):
        found += _of_table(connection, list(group), exact)
    return [replace(each, indexes=_indexes(connection, each)) for each in found]


def _indexes(connection: "psycopg.Connection[Any]", column: ColumnStatus) -> dict[str, int | None]:
    if column.content is None or column.rows is None:
        return {}
    known = fills.of_content(connection, column.schema, column.table, column.content)
    return {each.column: _undigested(connection, each) for each in known}


def _undigested(connection: "psycopg.Connection[Any]", fill: Fill) -> int | None:
    table = qualified(fill.schema, fill.table)
    query = f"SELECT count(*) FROM {table} WHERE {fill_pending(Kind.INDEX, fill)}"
    with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
        found = connection.execute(query.encode(), {}).fetchone()
        return None if found is None else int(found[0])
    return None


def _of_table(
    connection: "psycopg.Connection[Any]", group: Sequence[StoredPair], exact: bool
) -> list[ColumnStatus]:
    if not may_read(connection, group):
        return [_status(pair, exact) for pair in group]
    estimate = None if exact else estimated_rows(connection, group[0])
    sampled = estimate is not None and estimate > SAMPLE
    rows = connection.execute(count_sql(group, estimate if sampled else None).encode()).fetchall()
    total = next(row for row in rows if row[0] is None)
    scale = (estimate or 0) / total[2] if sampled and total[2] else 1.0
    return [_counted(pair, number, rows, total, scale, not sampled) for number, pair in enumerate(group)]


def _status(pair: StoredPair, exact: bool, **counts: Any) -> ColumnStatus:
    return ColumnStatus(
        pair.schema,
        pair.table,
        pair.column,
        pair.content,
        pair.plaintext,
        pair.authority.value if pair.authority else None,
        pair.guarded,
        pair.verified_at,
        exact,
        **counts,
    )


def _counted(
    pair: StoredPair, number: int, rows: Sequence[Any], total: Any, scale: float, exact: bool
) -> ColumnStatus:
    """From rows of (number of the pair or None, mark, count, then four totals a pair)."""
    plain, pending, encrypted, null = (round(each * scale) for each in total[3 + 4 * number : 7 + 4 * number])
    marks = [(mark, round(count * scale)) for which, mark, count, *_ in rows if which == number and mark]
    versions: dict[int, int] = {}
    keys: dict[str, int] = {}
    for mark, count in marks:
        version, _, key = mark.partition(":")
        versions[int(version)] = versions.get(int(version), 0) + count
        if key:
            keys[key] = count
    counts = {"rows": round(total[2] * scale), "plain": plain, "pending": pending, "encrypted": encrypted}
    return _status(pair, exact, **counts, null=null, versions=versions, keys=keys)
