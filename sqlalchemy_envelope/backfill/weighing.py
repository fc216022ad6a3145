"""How much there is to read in a row, so that rows of large values come a few at a time."""

from typing import Any

import psycopg

from .names import quoted
from .plan import Plan
from .rotation import Rotation
from .steps import Kind

STORED_APART = 2**20
"""Bytes that a table has in TOAST from which on its rows are weighed: below that none can be large."""

_PLAIN = frozenset({"pg_catalog.text", "pg_catalog.varchar", "pg_catalog.bytea"})
"""Types whose length is known without reading the value."""


def weight(connection: "psycopg.Connection[Any]", plan: Plan, leaf: str) -> str | None:
    """The bytes of what a job reads of one row, as SQL; None where that is no matter."""
    if plan.job.kind in (Kind.NULL, Kind.REWRAP) or _apart(connection, plan, leaf) < STORED_APART:
        return None
    read = _sizes(plan)
    return " + ".join(f"coalesce({each}, 0)" for each in read)


def _sizes(plan: Plan) -> list[str]:
    subject = plan.subject
    if isinstance(subject, Rotation):
        return [f"octet_length({quoted(subject.column)})"]
    kept = "octet_length" if plan.relation.columns[subject.plaintext].type in _PLAIN else "pg_column_size"
    pair, plain = f"octet_length({quoted(subject.content)})", f"{kept}({quoted(subject.plaintext)})"
    return {Kind.ENCRYPT: [plain], Kind.DECRYPT: [pair], Kind.VERIFY: [plain, pair]}[plan.job.kind]


def _apart(connection: "psycopg.Connection[Any]", plan: Plan, leaf: str) -> int:
    oids = [each.oid for each in plan.relation.leaves if each.sql == leaf]
    found = connection.execute(_APART, [oids]).fetchone()
    return int(found[0]) if found else 0


_APART = """
SELECT coalesce(sum(pg_relation_size(t.oid)), 0)
FROM pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.oid = ANY (%s)"""
