"""The CHECK that guards a pair: one each, by its name, whatever copies and reflection bring along."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.dialects.postgresql import dialect as postgresql

from .checks import check_sql, guard_name
from .pairs import pairs_of

_names = postgresql().identifier_preparer  # type: ignore[no-untyped-call]


def add_guard(table: Table, column: Column[Any], dek: str, *, shared: bool = False) -> None:
    """Gives a table the guard of a column and its sibling, in place of one of that name."""
    sql = check_sql(column.name, dek, column.type.accept, shared=shared)  # type: ignore[attr-defined]
    guard = CheckConstraint(sql, name=guard_name(table.name, column.name))
    for constraint in [*table.constraints]:
        if isinstance(constraint, CheckConstraint) and _stored_name(constraint) == _stored_name(guard):
            table.constraints.discard(constraint)
    table.append_constraint(guard)


def guards_of(table: Table) -> list[CheckConstraint]:
    """The guards of a table's pairs."""
    names = {guard_name(table.name, pair.content.name) for pair in pairs_of(table).values()}
    return [each for each in table.constraints if isinstance(each, CheckConstraint) and each.name in names]


def are_twins(one: CheckConstraint, other: CheckConstraint) -> bool:
    """Whether two constraints have one name or one text."""
    return _stored_name(one) == _stored_name(other) or str(one.sqltext) == str(other.sqltext)


def _stored_name(check: CheckConstraint) -> str | None:
    """The name as PostgreSQL has it, where SQLAlchemy shortens a long one."""
    return _names.format_constraint(check, _alembic_quote=False) if check.name else None
