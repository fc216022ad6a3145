"""The column types: what a value is in Python, and what may be asked of an encrypted column in SQL.

A type sees one value, never the row: sealing and the pair of cells are the business of the floors above. All
that a processor depends on is an `__init__` argument, because only those are in SQLAlchemy's cache key.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Never, Self, TypeVar

from sqlalchemy import ARRAY, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnElement, Null
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from . import codec
from .attachment import SLOT, attachment_of
from .context import Context
from .errors import ConfigurationError, NotAttachedError, UnsupportedStatementError
from .legacy import Version
from .opening import Reading
from .wire import CONTENT_MAGIC, VERSION

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

T = TypeVar("T")

_BY_STATEMENT = "values are sealed by the statement; change them on the model, with @validates or a property"
_ATTACH = "attach an envelope to the engine first: attach(engine, Envelope.from_env())"


Sealed = bytearray
"""A content cell on its way to the database: the one thing that a bind processor lets through.

No column takes a `bytearray` from its user, so the type alone tells. A class of our own would be clearer, but
Python's collector tracks its instances and every dict that holds one: 3 µs a row where rows are many.
"""

_CONTENT_START = bytes((CONTENT_MAGIC, VERSION))


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


_PASSED_OVER = ["process_bind_param", "process_result_value", "process_literal_param", "load_dialect_impl"]
_PASSED_OVER += ["bind_expression", "column_expression", "bind_processor", "result_processor"]
"""What other types let a subclass do to single values."""


class EncryptedType(TypeDecorator[T]):
    """Base of the encrypted types: stored as `bytea`, always beside a sibling column with the data key.

    `dek`: name of the sibling column, `<column>_dek` unless given. `context`: `"table.column"` or a
    `Context`, the logical place that values are bound to; pin it before a table or column is renamed.
    `accept`: one older version that may still be read. A column gets its own copy, bound to its place.
    """

    impl = LargeBinary
    cache_ok = True
    comparator_factory = EncryptedComparator

    tag: ClassVar[bytes]
    encode: codec.Encode
    decode: codec.Decode

    def __init_subclass__(cls, **kw: Any) -> None:
        """Refuses SQLAlchemy's hooks for single values, which nothing would call."""
        super().__init_subclass__(**kw)
        for name in _PASSED_OVER:
            if getattr(cls, name) is not getattr(EncryptedType, name):
                raise ConfigurationError(f"{cls.__name__}.{name} would be passed over: {_BY_STATEMENT}")

    # Not keyword-only: SQLAlchemy takes positional arguments alone into its cache key.
    def __init__(
        self, dek: str | None = None, context: Context | str | None = None, accept: Version | None = None
    ) -> None:
        super().__init__()
        if accept is not None and not isinstance(accept, Version):
            raise ConfigurationError("accept= takes Version.V1 or Version.V2")
        if dek is not None and not (isinstance(dek, str) and dek):  # type: ignore[redundant-expr]
            raise ConfigurationError("dek= takes the name of a column")
        self.dek = dek
        self.context = None if context is None else Context.of(context)
        self.accept = accept
        self.bound = False

    def bind_to(self, context: Context, dek: str) -> Self:
        """A copy that belongs to one column."""
        copy = type(self)(dek=dek, context=context, accept=self.accept)
        copy.bound = True
        return copy

    @property
    def reading(self) -> Reading:
        """How a value of this column opens."""
        if self.context is None:
            raise ConfigurationError(
                f"a bare {type(self).__name__} belongs to no column; use the column's own type"
            )
        return Reading(self.context, self.accept, self.tag)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Lets sealed values through, and nothing else."""

        def process(value: Any) -> Any:
            if value is None or (type(value) is Sealed and value.startswith(_CONTENT_START)):
                return value
            raise _unsealed(self, dialect)

        return process

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Opens a pair of cells. Never calls a KMS: keys that need a call were fetched with the rows."""
        slots = dialect.__dict__
        bound_to: object = None
        open_: Any = None

        def process(pair: Any) -> Any:
            nonlocal bound_to, open_
            if pair is None:
                return None
            attachment = slots.get(SLOT)
            if attachment is not bound_to:
                open_, bound_to = _opener(self, dialect), attachment
            return open_(pair)

        return process

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """Something that is not SQL: raising here would be wrapped in an error that prints the plaintext."""
        return lambda _: "<<a value of an encrypted column can't be rendered as a literal>>"

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column itself; refused on an engine without an envelope, before anything is sent."""
        dialect = getattr(self, "_dialect", None)
        # Without a driver nothing can be sent: str(statement), or a dialect made to look at SQL.
        if dialect is not None and dialect.dbapi is not None and attachment_of(dialect) is None:
            raise _not_attached(self)
        return column

    def _gen_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLAlchemy's copy for one dialect, made to remember it for `column_expression`."""
        made = super()._gen_dialect_impl(dialect)
        made._dialect = dialect  # type: ignore[attr-defined]
        return made

    def __repr__(self) -> str:
        given = {"dek": self.dek, "context": self.context, "accept": self.accept} if not self.bound else {}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items() if v is not None)})"


class EncryptedText(EncryptedType[str]):
    """A `str` of any length, sealed as UTF-8; NULL stays NULL and '' is a value."""

    cache_ok = True
    tag = codec.TEXT_TAG
    encode = staticmethod(codec.encode_text)
    decode = staticmethod(codec.decode_text)

    @property
    def python_type(self) -> type[str]:
        """`str`."""
        return str


class EncryptedBytes(EncryptedType[bytes]):
    """A `bytes` of any length, including bytes that look like an envelope."""

    cache_ok = True
    tag = codec.BYTES_TAG
    encode = staticmethod(codec.encode_bytes)
    decode = staticmethod(codec.decode_bytes)

    @property
    def python_type(self) -> type[bytes]:
        """`bytes`."""
        return bytes


def _opener(type_: EncryptedType[Any], dialect: Dialect) -> Callable[[Any], Any]:
    attachment = attachment_of(dialect)
    if attachment is None:
        raise _not_attached(type_)
    return attachment.envelope.opener(type_.reading).reader(type_.decode)


def _unsealed(type_: EncryptedType[Any], dialect: Dialect) -> Exception:
    """Why a value got here as it was given: no envelope, or a statement that nobody rewrote."""
    if attachment_of(dialect) is None:
        return _not_attached(type_)
    return UnsupportedStatementError(
        f"a value for {place_of(type_)} stands where it can't be sealed: "
        "write it by insert() or update() of its own table"
    )


def _not_attached(type_: EncryptedType[Any]) -> NotAttachedError:
    return NotAttachedError(f"{place_of(type_)} is encrypted; {_ATTACH}")


def carried(type_: TypeEngine[Any]) -> "EncryptedType[Any] | None":
    """The encrypted type of an expression, itself or as the item of an array."""
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item if isinstance(item, EncryptedType) else None


def place_of(type_: TypeEngine[Any]) -> str:
    """`table.column` where the type knows it."""
    context = getattr(carried(type_), "context", None)
    return context.place if context is not None else "an encrypted column"
