"""The base of the column types: how a value gets in and out of its pair.

A type sees one value, never the row: sealing and the pair of cells are the business of the floors above. All
that a processor depends on is an `__init__` argument, because only those are in SQLAlchemy's cache key.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Self, TypeVar

from sqlalchemy import ARRAY, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from .arguments import check_arguments, check_bind_row, indexes_of
from .attached import attached, not_attached, opener, unsealed
from .attachment import SLOT, attachment_of
from .blind import BlindIndex
from .codec import Encode
from .comparator import EncryptedComparator, default_of, place_of
from .context import Context
from .errors import ConfigurationError
from .legacy import Version
from .moving import Moving, Plaintext
from .opening import Reading
from .padding import Padding
from .tenancy import Tenancy
from .valuetypes import ValueCodec
from .wire import CONTENT_MAGIC, VERSION

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

T = TypeVar("T")

_BY_STATEMENT = "values are sealed by the statement; change them on the model, with @validates or a property"


Sealed = bytearray
"""A content cell on its way to the database: the one thing that a bind processor lets through.

No column takes a `bytearray` from its user, so the type alone tells. A class of our own would be clearer, but
Python's collector tracks its instances and every dict that holds one: 3 µs a row where rows are many.
"""

_CONTENT_START = bytes((CONTENT_MAGIC, VERSION))


_PASSED_OVER = ["process_bind_param", "process_result_value", "process_literal_param", "load_dialect_impl"]
_PASSED_OVER += ["bind_expression", "column_expression", "bind_processor", "result_processor"]
"""What other types let a subclass do to single values."""


class EncryptedType(TypeDecorator[T]):
    """Base of the encrypted types: stored as `bytea`, always beside a sibling column with the data key.

    `dek`: name of the sibling column, `<column>_dek` unless given. `context`: `"table.column"` or a
    `Context`, the logical place that values are bound to; pin it before a table or column is renamed.
    `accept`: one older version that may still be read. `moving`: how far the column is on its way from
    plaintext (see `moving`). `tenant`: the column of the table that names a row's tenant, or `TENANT`.
    `pad`: the lengths that stored values may have. `index`: a `BlindIndex` or several, by which equal values
    are found. `bind_row`: a value opens in its own row only, told by the primary key. A column gets its own
    copy, bound to its place.
    """

    impl = LargeBinary
    cache_ok = True
    comparator_factory = EncryptedComparator

    plain: TypeEngine[Any]
    """How a plaintext column stores such values, unless the model says otherwise."""
    codec: ValueCodec

    def __init_subclass__(cls, **kw: Any) -> None:
        """Refuses SQLAlchemy's hooks for single values, which nothing would call."""
        super().__init_subclass__(**kw)
        for name in _PASSED_OVER:
            if getattr(cls, name) is not getattr(EncryptedType, name):
                raise ConfigurationError(f"{cls.__name__}.{name} would be passed over: {_BY_STATEMENT}")

    # Not keyword-only: SQLAlchemy takes positional arguments alone into its cache key.
    def __init__(
        self,
        dek: str | None = None,
        context: Context | str | None = None,
        accept: Version | None = None,
        moving: Moving | None = None,
        tenant: str | Tenancy | None = None,
        pad: Padding | None = None,
        bind_row: bool = False,
        index: BlindIndex | Sequence[BlindIndex] | None = None,
    ) -> None:
        super().__init__()
        self.dek = dek
        self.context = None if context is None else Context.of(context)
        self.accept = accept
        self.moving = moving
        self.tenant = tenant
        self.pad = pad
        self.bind_row = bind_row
        self.index = indexes_of(index)
        self.default_index = default_of(self.index or ())
        check_arguments(dek, self.context, accept, moving, tenant, pad)
        check_bind_row(bind_row, self.context)
        self.bound = False

    def bind_to(
        self,
        context: Context,
        dek: str,
        moving: Moving | None = None,
        tenant: str | Tenancy | None = None,
        index: tuple[BlindIndex, ...] | None = None,
    ) -> Self:
        """A copy that belongs to one column."""
        copy = self.copy()
        copy.dek, copy.context, copy.moving, copy.tenant, copy.index = dek, context, moving, tenant, index
        copy.context = replace(context, bind_row=self.bind_row)
        copy.default_index = default_of(index or ())
        copy.bound = True
        copy.__dict__.pop("reading", None)  # of this one's context, where somebody asked for it
        return copy

    @property
    def python_type(self) -> type[Any]:
        """The type of the values."""
        return self.codec.python_type

    @property
    def encode(self) -> Encode:
        """A value to tagged bytes, padded where the column is."""
        encode, pad = self.codec.encode, self.pad
        return encode if pad is None else lambda value: pad.pad(encode(value))

    @property
    def should_evaluate_none(self) -> bool:  # type: ignore[override]
        """SQLAlchemy's word for a type that holds None as a value."""
        return self.codec.holds_none

    @property
    def tenancy(self) -> Tenancy | None:
        """Where the tenants of its values come from; None where the context says all."""
        return Tenancy.ROW if isinstance(self.tenant, str) else self.tenant

    @cached_property
    def reading(self) -> Reading:
        """How a value of this column opens."""
        if self.context is None:
            raise ConfigurationError(
                f"a bare {type(self).__name__} belongs to no column; use the column's own type"
            )
        return Reading(self.context, self.accept, self.codec.tag, self.tenancy)

    @property
    def indexes(self) -> tuple[BlindIndex, ...]:
        """Its blind indexes; on a column each has the name of its own column."""
        return self.index or ()

    @property
    def opens(self) -> bool:
        """Whether what is read is a pair, or may be one."""
        return self.moving is None or self.moving.opens

    def stored(self, type_: TypeEngine[Any]) -> TypeEngine[Any]:
        """The type of a plaintext column, fit for the values of this one."""
        return type_

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Lets sealed values through, and nothing else."""
        check = None if self.moving is None else partial(attached, self, dialect)

        def process(value: Any) -> Any:
            if value is None and check is not None:
                check()  # else the plaintext column would keep what this NULL is to replace
            if value is None or (type(value) is Sealed and value.startswith(_CONTENT_START)):
                return value
            raise unsealed(self, dialect)

        return process

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Opens a pair of cells. Never calls a KMS: keys that need a call were fetched with the rows."""
        opening, moving = self._opening(dialect), self.moving
        if moving is None:
            return opening
        decode = moving.decoder(dialect, coltype)
        check = partial(attached, self, dialect)
        return moving.reader(opening, Plaintext(place_of(self), self.python_type, decode, check))

    def _opening(self, dialect: Dialect) -> Callable[[Any], Any]:
        slots = dialect.__dict__
        bound_to: object = None
        open_: Any = None

        def process(pair: Any) -> Any:
            nonlocal bound_to, open_
            if pair is None:
                return None
            attachment = slots.get(SLOT)
            if attachment is not bound_to:
                open_, bound_to = opener(self, dialect), attachment
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
            raise not_attached(self)
        return column

    def _gen_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLAlchemy's copy for one dialect, made to remember it for `column_expression`."""
        made = super()._gen_dialect_impl(dialect)
        made._dialect = dialect  # type: ignore[attr-defined]
        return made

    def _told(self) -> list[str]:
        names = () if self.bound else ("dek", "context", "accept", "moving", "tenant", "pad", "index")
        told = [f"{name}={value!r}" for name in names if (value := getattr(self, name)) is not None]
        return [*told, "bind_row=True"] if self.bind_row and not self.bound else told

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._told())})"


def carried(type_: TypeEngine[Any]) -> "EncryptedType[Any] | None":
    """The encrypted type of an expression, itself or as the item of an array."""
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item if isinstance(item, EncryptedType) else None
