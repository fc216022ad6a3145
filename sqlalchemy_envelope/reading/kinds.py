"""What an expression is: NULL, of an encrypted column's kind, an array of such values."""

from typing import Any

from sqlalchemy import ARRAY, LargeBinary
from sqlalchemy.sql import elements

from ..types import carried


def is_null(expression: Any) -> bool:
    """Whether it is NULL and nothing else, under any label or parentheses, of a type that fits."""
    while True:
        if isinstance(expression, elements.Label | elements.Grouping):
            expression = expression.element
        elif isinstance(expression, elements.TypeCoerce):
            expression = expression.clause  # which renders without its type
        elif isinstance(expression, elements.Cast) and _is_stored_so(expression):
            expression = expression.clause
        else:
            return isinstance(expression, elements.Null)


def _is_stored_so(expression: Any) -> bool:
    """Whether a cast is to the type of a cell: to any other, PostgreSQL would find two types in one place."""
    return isinstance(expression.type, LargeBinary) or carried(expression.type) is not None


def same_kind(expression: Any, column: Any) -> bool:
    """Whether an expression is of just the column's encrypted type and context, itself or in an array."""
    if hasattr(expression, "_compiler_dispatcher"):
        return False  # SQL of the user's own, whatever it says it is
    type_, own = carried(expression.type), carried(column.type)
    if type_ is None or own is None or not type_.bound:
        return False
    # Only copies of one column share a context, so its state is all that may differ.
    return type_.reading == own.reading and type(type_.moving) is type(own.moving)


def is_array(expression: Any) -> bool:
    """Whether an expression is an array of values."""
    return isinstance(getattr(expression, "type", None), ARRAY)
