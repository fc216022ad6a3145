"""One query that counts all there is to know of a table's pairs, in one scan of it."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ... import wire
from ...legacy import Version
from ..postgres.quoting import identifier, literal
from ..subject.move import Authority
from .inventory import StoredPair

SAMPLE = 100_000
"""Rows that an estimate looks at, about."""

_ESTIMATE = """
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class AS c
WHERE c.oid = %(table)s::regclass AND c.relkind = 'r'
OR c.oid IN (SELECT relid FROM pg_partition_tree(%(table)s::regclass) WHERE isleaf)
"""


def count_sql(group: Sequence[StoredPair], estimate: int | None) -> str:
    """Rows of: number of the pair or NULL for the table, its mark, rows; then four totals for each pair.

    A mark is `version` or `version:key id`. With an `estimate` of the rows, over a sample of their blocks.
    """
    numbers = range(len(group))
    inner = [f"{_mark(pair)} AS mark{n}, {_facts(pair, n)}" for n, pair in enumerate(group)]
    which = " ".join(f"WHEN GROUPING(mark{n}) = 0 THEN {n}" for n in numbers)
    sets = ", ".join(["()", *(f"(mark{n})" for n in numbers)])
    totals = ", ".join(_totals(pair, n) for n, pair in enumerate(group))
    marks = f"CASE {' '.join(f'WHEN GROUPING(mark{n}) = 0 THEN mark{n}' for n in numbers)} END"
    return (
        f"SELECT CASE {which} END, {marks}, count(*), {totals}\n"
        f"FROM (SELECT {', '.join(inner)} FROM {_table(group[0])}{_sample(estimate)}) AS rows\n"
        f"GROUP BY GROUPING SETS ({sets})"
    )


def estimated_rows(connection: "psycopg.Connection[Any]", pair: StoredPair) -> int:
    """As the planner has it, over all leaves of a partitioned table."""
    row = connection.execute(_ESTIMATE, {"table": _table(pair)}).fetchone()
    return int(row[0]) if row else 0


def may_read(connection: "psycopg.Connection[Any]", group: Sequence[StoredPair]) -> bool:
    """Whether this role may count, and row-level security hides none from it."""
    names = {name for pair in group for name in (pair.content, pair.dek, pair.plaintext) if name}
    asked = " AND ".join(
        f"has_column_privilege({literal(_table(group[0]))}, {literal(name)}, 'SELECT')"
        for name in sorted(names)
    )
    schema = f"has_schema_privilege({literal(group[0].schema)}, 'USAGE')"
    whole = f"NOT row_security_active({literal(_table(group[0]))})"
    row = connection.execute(f"SELECT {schema} AND {asked} AND {whole}".encode()).fetchone()
    return bool(row and row[0])


def _table(pair: StoredPair) -> str:
    return f"{identifier(pair.schema)}.{identifier(pair.table)}"


def _sample(estimate: int | None) -> str:
    return "" if estimate is None else f" TABLESAMPLE SYSTEM ({min(100.0, 100 * SAMPLE / estimate):.6f})"


def _facts(pair: StoredPair, number: int) -> str:
    plain, content = (
        "false" if name is None else f"{identifier(name)} IS NOT NULL"
        for name in (pair.plaintext, pair.content)
    )
    return f"{plain} AS plain{number}, {content} AS sealed{number}"


def _totals(pair: StoredPair, number: int) -> str:
    plain, sealed = f"plain{number}", f"sealed{number}"
    missing = f"{plain} AND NOT {sealed}"
    if pair.authority is Authority.PAIR and pair.decrypting:
        missing = f"{sealed} AND NOT {plain}"
    conditions = (plain, missing, sealed, f"NOT {plain} AND NOT {sealed}")
    return ", ".join(f"count(*) FILTER (WHERE {each})" for each in conditions)


def _mark(pair: StoredPair) -> str:
    """What a row's cells say of themselves; NULL where there are none."""
    if pair.content is None or pair.dek is None:
        return "NULL::text"
    content, dek = identifier(pair.content), identifier(pair.dek)
    current = f"'\\x{bytes((wire.KEY_MAGIC, wire.VERSION)).hex()}'"
    older = 1 if pair.accept is Version.V1 else 2
    return (
        f"CASE WHEN {content} IS NULL THEN NULL"
        f" WHEN substr({dek}, 1, 2) = {current} THEN '3:' || encode(substr({dek}, 4, 16), 'hex')"
        f" ELSE '{older}' END"
    )
