"""How much there is to read in a row, so that rows of large values come a few at a time."""

from typing import Any

import psycopg

from ..plan.plan import Plan
from ..postgres.names import quoted
from ..subject.fill import Fill
from ..subject.kind import Kind
from ..subject.rotation import Rotation

STORED_APART = 2**20
"""Bytes that a table has in TOAST from which on its rows are weighed: below that none can be large."""

_SMALL = frozenset({Kind.NULL, Kind.REWRAP})
"""What reads no value, or wrapped keys alone."""

_PLAIN = frozenset({"pg_catalog.text", "pg_catalog.varchar", "pg_catalog.bytea"})
"""Types whose length is known without reading the value."""


def weight(connection: "psycopg.Connection[Any]", plan: Plan, leaf: str) -> str | None:
    """The bytes of what a job reads of one row, as SQL; None where that is no matter."""
    if plan.job.kind in _SMALL or _apart(connection, plan, leaf) < STORED_APART:
        return None
    if isinstance(plan.subject, Rotation):
        return f"coalesce(octet_length({quoted(plan.subject.column)}), 0)"
    if isinstance(plan.subject, Fill):
        return " + ".join(f"coalesce(octet_length({quoted(name)}), 0)" for name in plan.subject.contents)
    pair, plain = [f"octet_length({quoted(plan.subject.content)})"], _plaintext(plan, plan.subject.plaintext)
    read = {Kind.ENCRYPT: plain, Kind.DECRYPT: pair, Kind.VERIFY: plain + pair}[plan.job.kind]
    return " + ".join(f"coalesce({each}, 0)" for each in read)


def _plaintext(plan: Plan, name: str) -> list[str]:
    """Nothing where the column is gone, as `verify` may find it."""
    if name not in plan.relation.columns:
        return []
    kept = "octet_length" if plan.relation.columns[name].type in _PLAIN else "pg_column_size"
    return [f"{kept}({quoted(name)})"]


def _apart(connection: "psycopg.Connection[Any]", plan: Plan, leaf: str) -> int:
    oids = [each.oid for each in plan.relation.leaves if each.sql == leaf]
    found = connection.execute(_APART, [oids]).fetchone()
    return int(found[0]) if found else 0


_APART = """
SELECT coalesce(sum(pg_relation_size(t.oid)), 0)
FROM pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.oid = ANY (%s)"""
