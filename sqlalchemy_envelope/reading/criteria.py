"""What the WHERE of a statement says about a column of one of its tables."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import elements, operators

from .lineage import unannotated


def compared_with(statement: Any, written: Any, column: Column[Any]) -> Any:
    """What an equality at the top of WHERE compares the column with; None where there is none."""
    for one, other in equalities(statement._where_criteria):
        if is_column(one, written, column):
            return other
        if is_column(other, written, column):
            return one
    return None


def equalities(criteria: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Both sides of each equality that must hold: `a == 1` in `a == 1 AND …`, and not in an OR."""
    for each in map(_ungrouped, criteria):
        if isinstance(each, elements.BooleanClauseList) and each.operator is operators.and_:
            yield from equalities(each.clauses)
        elif isinstance(each, elements.BinaryExpression) and each.operator is operators.eq:
            yield each.left, each.right


def _ungrouped(criterion: Any) -> Any:
    while isinstance(criterion, elements.Grouping):
        criterion = criterion.element
    return criterion


def is_column(expression: Any, source: Any, column: Column[Any]) -> bool:
    """Whether an expression is the column, as `source`, its table or an alias of it, has it."""
    if not isinstance(expression, Column) or expression.name != column.name:
        return False
    return unannotated(expression.table) is unannotated(source)

