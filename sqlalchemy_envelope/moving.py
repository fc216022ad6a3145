"""The states of a column on its way from plaintext to its pair: what each writes, and what it reads.

One at a time, in this order and back: `ReadsPlaintext`, `ReadsEncrypted`, `EncryptedOnly`; then none. A state
is one of the type's arguments, so it is in SQLAlchemy's cache key and hashes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

from sqlalchemy import JSON, Enum, LargeBinary, String, Text, null
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.type_api import TypeEngine, to_instance

from .attachment import Attachment
from .documents import form_of
from .errors import ConfigurationError, DecryptionError, Failure, InvalidValueError
from .valuetypes import codec_of

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

MARK = b"\x01"
"""Stands before a value from the plaintext column. A pair begins with 0xED, a content alone with 0xEC."""

Process = Callable[[Any], Any]
_BINARY = LargeBinary()._type_affinity


class Plaintext(NamedTuple):
    """How one column's plaintext is read on one dialect.

    `decode` makes a Python value of what the driver gives, `attached` raises `NotAttachedError` on an engine
    without an envelope; a value has to be a `python_type`.
    """

    place: str
    python_type: type
    decode: Process | None
    attached: Callable[[], Attachment]

    def value(self, given: Any) -> Any:
        """The Python value. Raises `DecryptionError` for one that the column can't hold: a cell, perhaps."""
        try:
            value = given if self.decode is None else self.decode(given)
            if isinstance(value, self.python_type):
                return value
        except (DecryptionError, InvalidValueError):
            value = None
        del given, value  # what prints a traceback's locals finds none here
        raise DecryptionError(Failure.TYPE, self.place)


def is_as_it_is(type_: TypeEngine[Any]) -> bool:
    """Whether plaintext of a type is read as text or bytes; that of any other is read as JSON."""
    return isinstance(type_, String) or type_._type_affinity in (String, _BINARY)


@dataclass(frozen=True, repr=False)
class Moving:
    """Base of the states. Not one itself.

    `column`: the plaintext column's name in the database. `type_`: how it is stored there, as the type that
    is encrypted stores it unless given. `pending`: a row may lack its pair. `opens`: what is read is a pair,
    or may be one.
    """

    column: str
    type_: TypeEngine[Any] | type[TypeEngine[Any]] | None = None

    pending: ClassVar[bool] = True
    opens: ClassVar[bool] = True

    def __post_init__(self) -> None:
        name = type(self).__name__
        if type(self) is Moving:
            raise ConfigurationError("moving= takes ReadsPlaintext, ReadsEncrypted or EncryptedOnly")
        if not (isinstance(self.column, str) and self.column):  # type: ignore[redundant-expr]
            raise ConfigurationError(f"{name} takes the name of the plaintext column")
        if self.type_ is None:
            return
        stored: TypeEngine[Any] = to_instance(self.type_)
        object.__setattr__(self, "type_", stored)
        if not is_as_it_is(stored):
            form_of(stored)

    def __repr__(self) -> str:
        known = "" if self.type_ is None else f", type_={type(self.type_).__name__}"
        return f"{type(self).__name__}({self.column!r}{known})"  # a type may hold a key

    def typed(self, type_: TypeEngine[Any]) -> Self:
        """The same with the plaintext column's type, where none was given."""
        return self if self.type_ is not None else replace(self, type_=type_)

    def of(self, type_: TypeEngine[Any]) -> Self:
        """The same with the type that the plaintext column has in its table."""
        return replace(self, type_=type_)

    @property
    def type(self) -> TypeEngine[Any]:
        """The plaintext column's type, once it is known."""
        return self.type_  # type: ignore[return-value]

    @property
    def read_type(self) -> TypeEngine[Any]:
        """The type that plaintext is read as: text for what the driver knows no arrays of."""
        return Text() if isinstance(self.type, Enum | CITEXT) or not self._is_as_it_is else self.type

    def decoder(self, dialect: Dialect, coltype: object) -> Process | None:
        """Makes a Python value of a plaintext that was read; None where it is one as it comes."""
        if self._is_as_it_is:
            return self.type._cached_result_processor(dialect, coltype)
        form, codec = form_of(self.type), codec_of(self.type)
        return lambda text: codec.decode(form.encode(form.read(text)))

    @property
    def _is_as_it_is(self) -> bool:
        return is_as_it_is(self.type)

    def kept(self, values: Sequence[Any], place: str) -> Sequence[Any]:
        """What the plaintext column is given beside the pairs of these values.

        Raises `InvalidValueError` for one that PostgreSQL would refuse with an error that prints it.
        """
        plain_text = isinstance(self.type, String)
        if plain_text and any(isinstance(value, str) and "\0" in value for value in values):
            del values  # what prints a traceback's locals finds none here
            raise InvalidValueError(f"{place} holds a NUL character, which its plaintext column can't store")
        return values

    def cells_named(self, dek: str) -> tuple[str, ...]:
        """The columns, beside the content's, that textual SQL has to read."""
        return (dek,)

    def value_sql(self, pair: Sequence[str], plaintext: str) -> str:
        """What is read, of the alternatives that a pair is read by and the plaintext column."""
        return f"coalesce({', '.join(pair)})"

    def null_sql(self, content: str, plaintext: str) -> str:
        """Something that is NULL where the value is."""
        return content

    def reader(self, opening: Process, plaintext: Plaintext) -> Process:
        """Makes a value of what `value_sql` gives; `opening` does of a pair."""
        return opening


class ReadsPlaintext(Moving):
    """Writes both, reads plaintext: beside older versions, and while rows are encrypted."""

    opens: ClassVar[bool] = False

    def cells_named(self, dek: str) -> tuple[str, ...]:
        return (self.column,)

    def value_sql(self, pair: Sequence[str], plaintext: str) -> str:
        if not self._is_as_it_is:
            return form_of(self.type).sql(plaintext)
        return plaintext if self.read_type is self.type else f"({plaintext})::text"

    def null_sql(self, content: str, plaintext: str) -> str:
        return plaintext

    def reader(self, opening: Process, plaintext: Plaintext) -> Process:
        attached, value = plaintext.attached, plaintext.value

        def process(given: Any) -> Any:
            attached()
            return None if given is None else value(given)

        return process


class ReadsEncrypted(Moving):
    """Writes both, reads the pair, and where a row has none yet its plaintext, which is counted."""

    def cells_named(self, dek: str) -> tuple[str, ...]:
        return (dek, self.column)

    def value_sql(self, pair: Sequence[str], plaintext: str) -> str:
        as_text = f"({plaintext})::text" if self._is_as_it_is else form_of(self.type).sql(plaintext)
        raw = plaintext if self._is_binary else f"convert_to({as_text}, 'UTF8')"
        return f"coalesce({', '.join(pair)}, '\\x{MARK.hex()}'::bytea || {raw})"

    def null_sql(self, content: str, plaintext: str) -> str:
        return f"CASE WHEN {content} IS NOT NULL OR {plaintext} IS NOT NULL THEN 1 END"

    def reader(self, opening: Process, plaintext: Plaintext) -> Process:
        attached, value, place = plaintext.attached, plaintext.value, plaintext.place
        binary = self._is_binary

        def process(pair: Any) -> Any:
            if type(pair) is not bytes or pair[:1] != MARK:
                return opening(pair)
            attached().envelope.fell_back(place)
            return value(pair[1:] if binary else _text(pair[1:], place))

        return process

    @property
    def _is_binary(self) -> bool:
        return self.type._type_affinity is _BINARY


class EncryptedOnly(Moving):
    """Writes the pair, and NULL for the plaintext; reads the pair."""

    pending: ClassVar[bool] = False

    def kept(self, values: Sequence[Any], place: str) -> Sequence[Any]:
        nothing = null() if self.type._type_affinity is JSON else None  # else it would be JSON's null
        return [nothing] * len(values)


def _text(raw: bytes, place: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:  # carries the bytes, so nothing is raised from here
        pass
    del raw
    raise DecryptionError(Failure.TYPE, place)
