"""What may be asked of an encrypted column in SQL: whether it is NULL, and nothing of its value."""

from typing import Any, Never

from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnElement, Null
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from .errors import UnsupportedStatementError


class EncryptedComparator(TypeDecorator.Comparator[Any]):
    """Refuses what ciphertext can't answer as soon as it is built; `IS NULL` works.

    `==` between two columns must build, because SQLAlchemy compares columns in dictionary look-ups; where
    it ends up in a statement, compiling refuses it.
    """

    __slots__ = ()

    def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        """The null tests, and what must build; `UnsupportedStatementError` for the rest."""
        operand = None if not other or isinstance(other[0], Null) else other[0]
        if op in _NULL_TESTS and operand is None:
            return super().operate(_NULL_TESTS[op], None, **kwargs)
        if op in (operators.eq, operators.ne) and hasattr(operand, "__clause_element__"):
            operand = operand.__clause_element__()  # type: ignore[union-attr]
        if op in (operators.eq, operators.ne) and isinstance(operand, ColumnElement):
            return super().operate(op, operand, **kwargs)
        raise self._refusal(op)

    def reverse_operate(self, op: operators.OperatorType, other: Any, **kwargs: Any) -> Never:
        """Always `UnsupportedStatementError`."""
        raise self._refusal(op)

    def _refusal(self, op: operators.OperatorType) -> UnsupportedStatementError:
        name = getattr(op, "__name__", "this operator").removesuffix("_op").rstrip("_")
        return UnsupportedStatementError(
            f"{place_of(self.type)} is encrypted, and {name} would compare random ciphertext; filter "
            "and sort by another column, or load the rows and do it in Python (IS NULL works)"
        )


_NULL_TESTS: dict[Any, Any] = {
    operators.is_: operators.is_,
    operators.is_not: operators.is_not,
    operators.eq: operators.is_,
    operators.ne: operators.is_not,
    operators.is_distinct_from: operators.is_not,
    operators.is_not_distinct_from: operators.is_,
}


def place_of(type_: TypeEngine[Any]) -> str:
    """`table.column` where the type knows it."""
    context = getattr(getattr(type_, "item_type", type_), "context", None)
    return context.place if context is not None else "an encrypted column"
