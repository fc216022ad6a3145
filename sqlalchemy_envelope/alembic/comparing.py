"""The guards, the CHECK constraints of encrypted pairs, as autogenerate compares them on an existing table.

Alembic compares no CHECK constraints unless asked to compare all of them, and then by name only. Here guards
alone are compared, by what is the same in the model's text and in PostgreSQL's own spelling of it: literals
and alternatives.
"""

import re
from collections.abc import Iterable

from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import CheckConstraint, Constraint, Dialect, Table
from sqlalchemy.engine.interfaces import ReflectedCheckConstraint
from sqlalchemy.sql.elements import conv

from .. import wire
from ..keystore.guards import in_hex
from .versions import LAST

Guards = dict[str, CheckConstraint]
"""By the name in the database."""

_MARKS = re.compile(r"'\\x[0-9a-f]+'|\bor\b|>=")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_LIKE = re.compile(r"""("(?:[^"]|"")*"|\w+)\s+~~\s+('\\x[0-9a-f]+)'""")
_OURS = tuple(f"'\\x{bytes([magic, wire.VERSION]).hex()}" for magic in (wire.CONTENT_MAGIC, wire.KEY_MAGIC))
"""How the literals begin by which a guard is known: the first bytes of the two cells."""


@comparators.dispatch_for("table", **LAST)
def compare_guards(
    autogen_context: AutogenContext,
    modify_table_ops: ops.ModifyTableOps,
    schema: str | None,
    tname: str,
    conn_table: Table | None,
    metadata_table: Table | None,
) -> None:
    """Add the guard of a new pair, drop that of a removed one, renew one whose alternatives changed.

    Last in order, to see what `alembic.ext.checkconstraint_byname` did already where `env.py` asked for it.
    """
    dialect = autogen_context.dialect
    if conn_table is None or metadata_table is None or dialect is None:
        return  # CREATE TABLE and DROP TABLE carry their constraints
    stored = autogen_context.inspector.get_check_constraints(tname, schema=schema)
    found = _guards((_reflected(each, conn_table) for each in stored), dialect)
    wanted = _guards(metadata_table.constraints, dialect)
    done = {op.constraint_name for op in modify_table_ops.ops if isinstance(op, _CHECK_OPS)}
    for name in sorted((found.keys() | wanted.keys()) - done):
        if _marks(found.get(name)) != _marks(wanted.get(name)):
            _renew(name, found.get(name), wanted.get(name), autogen_context, modify_table_ops)


_CHECK_OPS = (ops.CreateCheckConstraintOp, ops.DropConstraintOp)


def _renew(
    name: str,
    found: CheckConstraint | None,
    wanted: CheckConstraint | None,
    context: AutogenContext,
    into: ops.ModifyTableOps,
) -> None:
    if found is not None and context.run_object_filters(found, name, "check_constraint", True, wanted):
        into.ops.append(ops.DropConstraintOp.from_constraint(found))
    if wanted is not None and context.run_object_filters(wanted, name, "check_constraint", False, found):
        into.ops.append(ops.AddConstraintOp.from_constraint(wanted))


def _reflected(stored: ReflectedCheckConstraint, table: Table) -> CheckConstraint:
    return CheckConstraint(in_hex(stored["sqltext"]), name=conv(stored["name"] or ""), table=table)


def stored_pairs(context: AutogenContext, table: str, schema: str | None) -> dict[str, str]:
    """The pairs in the database, by their guards: the name of each sibling by that of its column."""
    checks = context.inspector.get_check_constraints(table, schema=schema)
    found = (_cells(in_hex(each["sqltext"])) for each in checks)
    return {content: dek for content, dek in found if content and dek}


def _cells(sqltext: str) -> tuple[str, str]:
    """The names of both cells in PostgreSQL's spelling of a guard; empty where it isn't one."""
    content, dek = (
        next((each[0] for each in _LIKE.findall(sqltext) if each[1].startswith(mark)), "") for mark in _OURS
    )
    return _unquoted(content), _unquoted(dek)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _guards(constraints: Iterable[Constraint], dialect: Dialect) -> Guards:
    format_name = dialect.identifier_preparer.format_constraint
    return {
        str(format_name(each, _alembic_quote=False)): each
        for each in constraints
        if isinstance(each, CheckConstraint) and each.name and _is_guard(each)
    }


def _is_guard(check: CheckConstraint) -> bool:
    marks = _marks(check)
    return all(any(mark.startswith(beginning) for mark in marks) for beginning in _OURS)


def _marks(guard: CheckConstraint | None) -> list[str]:
    """Literals, ORs and `>=` of a guard's text, without its names: what a change of it changes."""
    text = "" if guard is None else _QUOTED.sub("", str(guard.sqltext)).lower()
    return sorted(_MARKS.findall(text))
