"""What older versions of Alembic lack, from 1.13 on, and what stands in for it."""

from typing import Any

import alembic
from alembic import util
from alembic.autogenerate import render, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

_PRIORITIES: Any = getattr(util, "DispatchPriority", None)
"""Alembic 1.18 orders comparators by priority; before that they run in the order of their registration."""

LAST: dict[str, Any] = {} if _PRIORITIES is None else {"priority": _PRIORITIES.LAST}
"""Keyword arguments for a comparator that wants to see what Alembic's own found."""

FIRST: dict[str, Any] = {} if _PRIORITIES is None else {"priority": _PRIORITIES.FIRST}
"""Keyword arguments for a comparator that has its say before Alembic's own look."""

_RENDERS_CHECKS = (1, 19)
"""The first version that writes `op.create_check_constraint` into a revision; those before it raise."""


def _render_check(autogen_context: AutogenContext, operation: ops.CreateCheckConstraintOp) -> str:
    """As the versions that can write it do."""
    name = repr(render._render_gen_name(autogen_context, operation.constraint_name))
    sqltext = operation.to_constraint().sqltext
    text = repr(autogen_context.migration_context.impl.render_ddl_sql_expr(sqltext))
    prefix, batch = render._alembic_autogenerate_prefix(autogen_context), autogen_context._has_batch
    table = [] if batch else [repr(str(operation.table_name))]
    schema = [f"schema={str(operation.schema)!r}"] if operation.schema and not batch else []
    return f"{prefix}create_check_constraint({', '.join([name, *table, text, *schema])})"


if tuple(map(int, alembic.__version__.split(".")[:2])) < _RENDERS_CHECKS:
    renderers._registry[ops.CreateCheckConstraintOp, "default"] = _render_check
