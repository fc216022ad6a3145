"""Comparisons by a blind index, as a statement holds them until it is compiled."""

from typing import Any, Never

from sqlalchemy import Boolean
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement, ColumnElement, Null
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import UserDefinedType

from .blind import BlindIndex
from .errors import UnsupportedStatementError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

SEARCHES: frozenset[Any] = frozenset({operators.eq, operators.ne, operators.in_op, operators.not_in_op})
"""What a blind index answers."""

_NULLS: dict[Any, Any] = {operators.eq: operators.is_, operators.ne: operators.is_not}


def _candidate_of(one: Any, other: Any) -> Never:
    """The operator of `candidates()`: `==` of an index too short to tell equal values."""
    raise UnsupportedStatementError("candidates() is for statements")


candidate_of: Any = _candidate_of


class IndexComparator(UserDefinedType.Comparator[Any]):
    """`==`, `!=`, `in_`, `not_in` and `candidates` by one index, and nothing else."""

    __slots__ = ()

    def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        """A comparison; `UnsupportedStatementError` for what an index can't answer."""
        operand = other[0] if other else None
        if op in _NULLS and (operand is None or isinstance(operand, Null)):
            tested: ColumnElement[Any] = self.expr.column.operate(_NULLS[op], None)
            return tested
        operand = element_of(operand)
        if op in (operators.eq, operators.ne) and _has_index(operand):
            return super().operate(op, operand, **kwargs)
        check_search(self.type.index, op, operand)  # type: ignore[attr-defined]
        return super().operate(op, operand, **kwargs)

    def reverse_operate(self, op: operators.OperatorType, other: Any, **kwargs: Any) -> ColumnElement[Any]:
        """The same from the other side, where there is no difference."""
        if op not in (operators.eq, operators.ne):
            raise refused_search(self.type.index, op)  # type: ignore[attr-defined]
        return self.operate(op, other, **kwargs)

    def candidates(self, value: Any) -> ColumnElement[bool]:
        """Rows that may hold the value, all that do among them: compare again in Python."""
        bind = self.expr._bind_param(candidate_of, value)
        return BinaryExpression(self.expr, bind, candidate_of, type_=Boolean())


class IndexedType(UserDefinedType[Any]):
    """The type of a column seen by one of its indexes."""

    cache_ok = True
    comparator_factory = IndexComparator

    def __init__(self, index: BlindIndex) -> None:
        self.index = index

    @property
    def indexes(self) -> tuple[BlindIndex, ...]:
        """The one that it is compared by."""
        return (self.index,)

    def bind_processor(self, dialect: Any) -> Any:
        """Nothing: a value gets to the database by its digest alone."""

        def process(value: Any) -> Never:
            del value
            raise _stands_alone(self.index)

        return process

    def get_col_spec(self, **kw: Any) -> Never:
        """Nothing is stored so."""
        raise _stands_alone(self.index)


class ByIndex(ColumnElement[Any]):
    """An encrypted column, to be compared by the index of a name."""

    __visit_name__ = "by_index"
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy has it
        ("column", InternalTraversal.dp_clauseelement),
        ("name", InternalTraversal.dp_string),
    ]

    def __init__(self, column: ColumnElement[Any], index: BlindIndex) -> None:
        self.column = column
        self.name = index.name
        self.type = IndexedType(index)

    @property
    def _from_objects(self) -> Any:
        return self.column._from_objects

    def _compiler_dispatch(self, visitor: Any, **kw: Any) -> str:
        """Reached outside of a comparison, or on an engine without an envelope."""
        refuse = getattr(visitor, "visit_by_index", None)
        if refuse is not None or visitor.dialect.dbapi is not None:
            raise _stands_alone(self.type.index)  # type: ignore[attr-defined]
        return str(self.name)


def check_search(index: BlindIndex, op: Any, operand: Any) -> None:
    """That an index answers this of an `element_of` an operand. Raises `UnsupportedStatementError`."""
    if op not in SEARCHES:
        raise refused_search(index, op)
    if not index.exact:
        raise UnsupportedStatementError(
            f"blind index {index.name} keeps {index.bits} bits, too few to tell equal values: use "
            "candidates(value) and compare the rows that it finds in Python"
        )
    if isinstance(operand, ClauseElement) and operand.__visit_name__ not in _VALUES:
        raise UnsupportedStatementError(
            f"blind index {index.name} compares with Python values, not with SQL: give values, join a column "
            "that shares its key, or use exists()"
        )


def _has_index(operand: Any) -> bool:
    """Whether it is a column, or one seen by an index, that has digests of its own."""
    return bool(getattr(getattr(operand, "type", None), "indexes", ()))


def element_of(operand: Any) -> Any:
    """What SQLAlchemy makes of an operand that stands for an expression."""
    return operand.__clause_element__() if hasattr(operand, "__clause_element__") else operand


_VALUES = frozenset({"bindparam", "null"})


def refused_search(index: BlindIndex, op: Any) -> UnsupportedStatementError:
    """That an index can't answer this."""
    name = getattr(op, "__name__", "this operator").removesuffix("_op").rstrip("_")
    return UnsupportedStatementError(
        f"blind index {index.name} holds digests, and {name} of them says nothing of the values: it answers "
        "==, !=, in_ and not_in; for parts of a text index those parts, as BlindIndex(last(4)) or "
        "BlindIndex(EMAIL_DOMAIN) does, and sort in Python"
    )


def _stands_alone(index: BlindIndex) -> UnsupportedStatementError:
    return UnsupportedStatementError(
        f"by({index.name!r}) is compared with a value and stands for nothing else: attach an envelope to the "
        "engine, and compare it by ==, !=, in_ or not_in"
    )
