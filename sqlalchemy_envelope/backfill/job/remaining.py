"""Whether a pass has left anything, by one look at the whole table: less than a pass by key takes."""

from contextlib import suppress
from typing import Any

import psycopg

from ..plan.plan import Plan
from ..postgres.names import qualified

AT_MOST = 1.0
"""Seconds that it may take: vacuum can't remove what died since it began. A pass has no such moment."""


def nothing_left(connection: "psycopg.Connection[Any]", plan: Plan) -> bool:
    """Whether no row is pending, in one snapshot; False also where that is not seen soon enough."""
    table = qualified(plan.subject.schema, plan.subject.table)
    query = f"SELECT EXISTS (SELECT FROM {table} WHERE {plan.pending()})"
    unknown = (psycopg.errors.QueryCanceled, psycopg.errors.InsufficientPrivilege)
    with suppress(*unknown), connection.transaction():
        connection.execute(_SETTINGS, [f"{int(AT_MOST * 1000)}ms"])
        found = connection.execute(query.encode(), []).fetchone()
        return found is not None and not found[0]
    return False


_SETTINGS = "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'on', true)"
