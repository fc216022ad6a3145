"""The value that a statement says a column has: by an equality with it, or with a column that has one."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.selectable import Join

from .criteria import equalities
from .lineage import unannotated

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def stated_value(
    column: Column[Any], statements: Iterable[Any], froms: Iterable[Any]
) -> BindParameter[Any] | None:
    """The parameter that WHERE, or ON of an inner join, compares a column with; None where none does.

    `statements`: those that the column is compared in, and `froms` all that they read.
    """
    criteria = [each for statement in statements for each in getattr(statement, "_where_criteria", ())]
    inner = (each for each in froms if isinstance(each, Join) and not (each.isouter or each.full))
    criteria += [each.onclause for each in inner]
    sides = [both for one, other in equalities(criteria) for both in ((one, other), (other, one))]
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
