"""A write is as many look-ups as it has rows, whatever the planner believes of the table."""

import json
from typing import Any

import pytest

from sqlalchemy_envelope.backfill.batches.writer import update_sql
from sqlalchemy_envelope.backfill.postgres.keyset import Key
from sqlalchemy_envelope.backfill.postgres.relation import Column
from sqlalchemy_envelope.backfill.postgres.session import BY_KEY, settle
from sqlalchemy_envelope.backfill.rows.steps import make_step
from sqlalchemy_envelope.backfill.subject.kind import Kind

from .world import World, envelope

BATCH = 5_000
KEY = Key(("id",), ("pg_catalog.int8",))


def _begun_with(plan: dict[str, Any]) -> list[str]:
    """The nodes from the top down to what a join begins with."""
    nodes = [plan["Node Type"]]
    while "Plans" in plan:
        plan = plan["Plans"][0]
        nodes.append(plan["Node Type"])
    return nodes
EMAIL = Column("email", "text", "text", not_null=False, generated=False)


@pytest.mark.parametrize("kind", [Kind.NULL, Kind.ENCRYPT, Kind.DECRYPT])
def test_a_write_begins_with_its_arrays(world: World, kind: Kind) -> None:
    """Also where the table was last analysed while one of the columns was NULL in every row.

    The planner then expects one row of what is pending, and would search the arrays anew for each row.
    """
    world.fill(20_000)
    world.execute("ANALYZE customer")
    world.run("encrypt")
    setting = make_step(kind, world.move, envelope, None, EMAIL).setting
    assert setting is not None
    statement = update_sql(world.table, KEY, setting)
    arrays: list[list[Any]] = [[str(n) for n in range(BATCH)]] * 2
    arrays += [[b"cell"] * BATCH for _, array, _ in setting.columns if array == "bytea"]
    arrays += [["value"] * BATCH for _, array, _ in setting.columns if array not in ("", "bytea")]
    settle(world.connection, BY_KEY)
    explained = world.execute(f"EXPLAIN (FORMAT JSON) {statement}", arrays).fetchone()
    assert explained is not None
    found = explained[0] if isinstance(explained[0], list) else json.loads(explained[0])
    assert _begun_with(found[0]["Plan"])[1:] == ["Nested Loop", "Subquery Scan", "ProjectSet", "Result"]
