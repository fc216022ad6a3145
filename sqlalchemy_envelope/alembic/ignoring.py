"""Autogenerate doesn't even look at the tables of the schema `envelope`, unless a model declares them.

Where `include_schemas` finds them they would else be reported as removed, though nothing is proposed.
"""

from collections.abc import Mapping

from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from .versions import FIRST

SCHEMA = "envelope"


@comparators.dispatch_for("schema", **FIRST)
def ignore_our_tables(
    autogen_context: AutogenContext, upgrade_ops: ops.UpgradeOps, schemas: set[str | None]
) -> None:
    """Leave them out, before anything is compared; Alembic before 1.18 has looked by then."""
    declared = {str(key) for key in autogen_context.table_key_to_table}

    def not_ours(name: str | None, type_: str, parents: Mapping[str, str | None]) -> bool:
        ours = type_ == "table" and parents.get("schema_name") == SCHEMA
        return not ours or f"{SCHEMA}.{name}" in declared

    autogen_context._name_filters.append(not_ours)
