"""What may be asked of an encrypted column in SQL: whether it is NULL, and what its blind indexes answer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BindParameter, ColumnElement, Null
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from .blind import BlindIndex
from .errors import ConfigurationError, UnsupportedStatementError
from .search import SEARCHES, ByIndex, candidate_of, check_search, element_of, refused_search


class EncryptedComparator(TypeDecorator.Comparator[Any]):
    """Refuses what ciphertext can't answer as soon as it is built; `IS NULL` works.

    `==` between two columns must build, because SQLAlchemy compares columns in dictionary look-ups; where
    it ends up in a statement, compiling refuses it.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """With its type: a column that is unpickled has none yet when its comparator is made anew."""
        return _blank, (type(self),), (None, {"expr": self.expr, "type": self.type})

    def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        """The null tests, and what must build; `UnsupportedStatementError` for the rest."""
        operand = None if not other or isinstance(other[0], Null) else other[0]
        if op in _NULL_TESTS and operand is None:
            return super().operate(_NULL_TESTS[op], None, **kwargs)
        if op in SEARCHES:
            operand = element_of(operand)
        if isinstance(operand, BindParameter):  # of the column's own type it is never sent as it is
            operand = operand._with_binary_element_type(self.type)
        if op in (operators.eq, operators.ne) and isinstance(operand, ColumnElement):
            return super().operate(op, operand, **kwargs)
        index = default_index(self.type)
        if index is None:
            raise self._refusal(op)
        check_search(index, op, operand)
        # Neither is Python's ==, by which the ORM looks through a session's objects, of any tenant.
        if index.expressions or self.type.tenancy is not None:  # type: ignore[attr-defined]
            return ByIndex(self.expr, index).operate(op, operand, **kwargs)
        return super().operate(op, operand, **kwargs)

    def reverse_operate(self, op: operators.OperatorType, other: Any, **kwargs: Any) -> ColumnElement[Any]:
        """The same from the other side, where there is no difference."""
        if op not in (operators.eq, operators.ne) or default_index(self.type) is None:
            raise self._refusal(op)
        return self.operate(op, other, **kwargs)

    def by(self, name: str) -> ByIndex:
        """The column to be compared by the blind index of this name. Raises `ConfigurationError`."""
        found = next((each for each in indexes(self.type) if each.name == name), None)
        if found is None:
            known = ", ".join(str(each.name) for each in indexes(self.type)) or "none"
            raise ConfigurationError(f"{place_of(self.type)} has no blind index {name!r}: it has {known}")
        return ByIndex(self.expr, found)

    def candidates(self, value: Any) -> ColumnElement[bool]:
        """Rows that may hold a value, all that do among them: compare again in Python."""
        index = default_index(self.type)
        if index is None:
            raise self._refusal(candidate_of)
        found: ColumnElement[bool] = ByIndex(self.expr, index).comparator.candidates(value)  # type: ignore[attr-defined]
        return found

    def _refusal(self, op: operators.OperatorType) -> UnsupportedStatementError:
        name = getattr(op, "__name__", "this operator").removesuffix("_op").rstrip("_")
        place, index = place_of(self.type), default_index(self.type)
        if index is not None:
            return refused_search(index, op)
        return UnsupportedStatementError(
            f"{place} is encrypted, and {name} would compare random ciphertext; give it a blind index for "
            "==, filter and sort by another column, or load the rows and do it in Python (IS NULL works)"
        )


def _blank(cls: type[EncryptedComparator]) -> EncryptedComparator:
    return cls.__new__(cls)


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


def indexes(type_: TypeEngine[Any]) -> tuple[BlindIndex, ...]:
    """The blind indexes of a column's type."""
    return getattr(type_, "indexes", ())


def default_index(type_: TypeEngine[Any]) -> BlindIndex | None:
    """The index that a column of this type is compared by, if any."""
    found: BlindIndex | None = getattr(type_, "default_index", None)
    return found


def default_of(several: Sequence[BlindIndex]) -> BlindIndex | None:
    """The index that a column is compared by: the first of it alone, without expressions if there is one."""
    single = [each for each in several if not each.columns]
    return min(single, key=lambda index: bool(index.expressions), default=None)
