"""What an encrypted column and its sibling can't be: refused where it is declared, with the reason."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ARRAY, Column, Index, LargeBinary, Table
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.sql import visitors
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from .errors import ConfigurationError
from .moving import Moving, is_as_it_is
from .types import EncryptedType
from .valuetypes import codec_of

MAX_NAME_BYTES = 63
"""PostgreSQL cuts a longer name off, without an error: the sibling's could become the column's own."""

_KEYS_AND_INDEXES: dict[str, Callable[[Column[Any]], bool]] = {
    "primary_key": lambda column: column.primary_key,
    "unique": lambda column: bool(column.unique),
    "index": lambda column: bool(column.index),
    "a foreign key": lambda column: bool(column.foreign_keys),
}
_VALUES_OF_THE_DATABASE: dict[str, Callable[[Column[Any]], bool]] = {
    "Computed": lambda column: column.computed is not None,
    "Identity": lambda column: column.identity is not None,
    "server_default": lambda column: column.server_default is not None,
    "server_onupdate": lambda column: column.server_onupdate is not None,
    "onupdate": lambda column: column.onupdate is not None,
}
_NOTHING_FOR_A_SIBLING: dict[str, Callable[[Column[Any]], bool]] = {
    "default": lambda column: column.default is not None,
    **{what: given for what, given in _KEYS_AND_INDEXES.items() if what != "index"},
    **_VALUES_OF_THE_DATABASE,
}
"""A plain index is for those who count the values of each key."""
_NOTHING_FOR_PLAINTEXT: dict[str, Callable[[Column[Any]], bool]] = {
    "default": lambda column: column.default is not None,
    "primary_key": _KEYS_AND_INDEXES["primary_key"],
    **{what: given for what, given in _VALUES_OF_THE_DATABASE.items() if what != "server_default"},
}
"""It is written with its pair. Its index, uniqueness and server_default may stay while it is in use."""


def check_column(table: Table, column: Column[Any]) -> None:
    """That nothing is asked of an encrypted column that its ciphertext can't give."""
    place = f"{table.name}.{column.name}"
    for what, given in _KEYS_AND_INDEXES.items():
        if given(column):
            raise _no_order(place, what)
    for what, given in _VALUES_OF_THE_DATABASE.items():
        if given(column):
            raise _not_sealed(place, what)
    if not is_plain_default(column.default):
        raise _not_sealed(place, "an SQL or context-dependent default")


def check_name(table: Table, column: Column[Any], dek: str) -> None:
    """That PostgreSQL keeps the sibling's name whole."""
    if len(dek.encode()) > MAX_NAME_BYTES:
        raise ConfigurationError(
            f"the sibling of {table.name}.{column.name} would have a name of over {MAX_NAME_BYTES} bytes: "
            "give it a shorter one with dek="
        )


def check_sibling(table: Table, column: Column[Any], sibling: Column[Any], nullable: bool) -> None:
    """That a sibling declared by hand can hold what sealing writes there."""
    place = f"{table.name}.{sibling.name}"
    if not isinstance(sibling.type, LargeBinary):
        raise ConfigurationError(f"{place} is the sibling of {column.name}: declare it as LargeBinary")
    for what, given in _NOTHING_FOR_A_SIBLING.items():
        if given(sibling):
            raise _by_sealing_alone(place, column.name, what)
    # The database's own BYTEA was reflected, mostly: then its tables stand, and tell better than the model.
    if nullable and not sibling.nullable and not isinstance(sibling.type, BYTEA):
        raise ConfigurationError(f"{place} is the sibling of {column.name}, which may be NULL: so must it be")


def check_moving(table: Table, column: Column[Any], dek: str, moving: Moving) -> None:
    """That the plaintext column is a third one."""
    if moving.column in (column.name, dek):
        raise ConfigurationError(
            f"{table.name}.{column.name} can't move from {moving.column}, a column of its pair: "
            "name the column of the plaintext"
        )
    if isinstance(moving.type_, EncryptedType):
        raise _not_plaintext(table, column, moving.column, "an encrypted type")


def check_plaintext(table: Table, column: Column[Any], plaintext: Column[Any], moving: Moving) -> None:
    """That a plaintext column can be written with its pair, and never otherwise."""
    if isinstance(plaintext.type, EncryptedType):
        raise _not_plaintext(table, column, plaintext.name, "an encrypted type")
    for what, given in _NOTHING_FOR_PLAINTEXT.items():
        if given(plaintext):
            raise _not_plaintext(table, column, plaintext.name, what)
    if not moving.pending and plaintext.server_default is not None:
        raise _not_plaintext(table, column, plaintext.name, "server_default")
    if not moving.pending and not plaintext.nullable:
        raise ConfigurationError(
            f"{table.name}.{plaintext.name} is given NULL with each value of {column.name}: drop its NOT NULL"
        )


def check_stored(table: Table, column: Column[Any], plaintext: Column[Any]) -> None:
    """That a plaintext column that is no text and no bytes holds values of the encrypted one's type."""
    if is_as_it_is(plaintext.type):
        return
    stored, meant = codec_of(plaintext.type).python_type, column.type.python_type
    if object not in (stored, meant) and stored is not meant:
        raise ConfigurationError(
            f"{table.name}.{plaintext.name} is the plaintext of {column.name} and holds {stored.__name__},"
            f" not {meant.__name__}: encrypt it as what it is, or wrap its type in a TypeDecorator"
        )


def check_constraint(table: Table, constraint: Any, siblings: dict[str, str]) -> None:
    """That an index or constraint keeps off encrypted columns and, but for a plain index, off siblings.

    `siblings`: by the key of each sibling, the key of its column.
    """
    what = type(constraint).__name__
    for column in _columns_in(constraint):
        if isinstance(column.type, EncryptedType):
            raise _no_order(f"{table.name}.{column.name}", what)
        if column.key in siblings and (constraint.unique if isinstance(constraint, Index) else True):
            raise _by_sealing_alone(f"{table.name}.{column.name}", siblings[column.key], what)


def check_plain(table: Table, column: Column[Any]) -> None:
    """That no encrypted type hides inside another one, where nobody would seal for it."""
    if any(isinstance(inside, EncryptedType) for inside in _inside(column.type)):
        raise ConfigurationError(
            f"{table.name}.{column.name} has an encrypted type inside {type(column.type).__name__}: "
            "only a column's own type can be encrypted"
        )


def _columns_in(constraint: Any) -> Iterator[Any]:
    yield from constraint.columns
    for expression in getattr(constraint, "expressions", ()):
        yield from (each for each in visitors.iterate(expression) if isinstance(each, Column))


def _inside(type_: TypeEngine[Any]) -> Iterator[TypeEngine[Any]]:
    inner = list(type_._variant_mapping.values())
    if isinstance(type_, ARRAY):
        inner.append(type_.item_type)
    if isinstance(type_, TypeDecorator) and isinstance(type_.impl, TypeEngine):
        inner.append(type_.impl)
    for each in inner:
        yield each
        yield from _inside(each)


def is_plain_default(default: Any) -> bool:
    """Whether a default is a value, or a function without arguments: SQLAlchemy wraps that in its own."""
    if default is None or default.is_scalar:
        return True
    module = getattr(default.arg, "__globals__", {}).get("__name__") if default.is_callable else None
    return bool(module == "sqlalchemy.sql.schema")


def _no_order(place: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} is encrypted and can't have or be in {what}: equal values have different ciphertext; "
        "use another column, or the one that index=BlindIndex(...) gives it"
    )


def _not_sealed(place: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} is encrypted and can't have {what}: the database can't seal what it computes; "
        "use a Python value or a function without arguments as the default"
    )


def _not_plaintext(table: Table, column: Column[Any], plaintext: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{table.name}.{plaintext} is the plaintext of {column.name} and can't have or be in {what}: "
        f"it is written with {column.name}, which takes defaults that Python makes"
    )


def _by_sealing_alone(place: str, column: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} is the sibling of {column} and can't have or be in {what}: only sealing writes it"
    )
