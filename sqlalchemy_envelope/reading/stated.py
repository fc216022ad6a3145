"""The value that a statement says a column has: by an equality with it, or with a column that has one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.elements import BindParameter

from .criteria import equalities
from .lineage import unannotated


def stated_value(column: Column[Any], statements: Sequence[Any]) -> BindParameter[Any] | None:
    """The parameter that WHERE compares a column with, in any of these statements; None where none does."""
    sides = [
        both
        for each in statements
        for one, other in equalities(getattr(each, "_where_criteria", ()))
        for both in ((one, other), (other, one))
    ]
    seen: set[Any] = set()
    wanted = [_identity(column)]
    while wanted:
        column_ = wanted.pop()
        seen.add(column_)
        others = [other for one, other in sides if isinstance(one, Column) and _identity(one) == column_]
        for other in others:
            if isinstance(other, BindParameter):
                return other
            if isinstance(other, Column) and _identity(other) not in seen:
                wanted.append(_identity(other))
    return None


def _identity(column: Any) -> tuple[Any, str]:
    return unannotated(column.table), column.name
