"""The primary key that values are bound to: what its columns can be, a value of it as bytes, and its SQL."""

import operator
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, String, Table, Uuid

from .codec import TEXT_TAG, encode_text
from .errors import ConfigurationError, InvalidValueError
from .rows import encode_integer_row, encode_row, row_sql
from .scalars import INTEGER_TAG, UUID_TAG, encode_integer, encode_uuid
from .tenant_column import stored_type, unfit

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_BINDABLE = "bind_row=True needs a primary key of plain columns of type Integer, String, Text or Uuid"


def check_primary_key(table: Table, column: Column[Any]) -> None:
    """That an encrypted column's rows have a key that tells them. Raises `ConfigurationError`."""
    if not column.type.bind_row:  # type: ignore[attr-defined]
        return
    place = f"{table.name}.{column.name}"
    if not list(table.primary_key):
        raise ConfigurationError(f"{place} is bound to its row, and {table.name} has no primary key")
    for each in table.primary_key:
        why = unfit(each, identity=True)
        if each.identity is not None and each.identity.always:
            why = "Identity(always=True) takes no key that was fetched ahead: use Identity()"
        if why:
            told = f"{place} can't be bound to {table.name}.{each.name}: {why}"
            raise ConfigurationError(f"{told}; {_BINDABLE}")


def row_before(key: Sequence[Column[Any]], sql: Callable[[Column[Any]], str]) -> str:
    """SQL for what comes before a pair that is bound to its row; `sql` is that of a column."""
    return row_sql([(_tag_of(each), sql(each)) for each in key])


class PrimaryKey:
    """Values of a primary key as the bytes that values are bound to."""

    def __init__(self, columns: Sequence[Column[Any]]) -> None:
        self._encoders = [_encoder(column) for column in columns]
        self._is_integer = [_tag_of(column) for column in columns] == [INTEGER_TAG]

    def encoded(self, parts: Sequence[Sequence[Any]]) -> list[bytes]:
        """The row of each key, of the values of each column. Raises `InvalidValueError`."""
        if self._is_integer and set(map(type, parts[0])) <= {int} and _fit(parts[0]):
            return list(map(encode_integer_row, parts[0]))
        both = zip(self._encoders, parts, strict=True)
        return list(map(encode_row, zip(*(map(encode, part) for encode, part in both), strict=True)))


def _fit(values: Sequence[int]) -> bool:
    return not values or (min(values) >= -(2**63) and max(values) < 2**63)


def _tag_of(column: Column[Any]) -> bytes:
    type_ = stored_type(column.type)
    if isinstance(type_, Integer):
        return INTEGER_TAG
    return UUID_TAG if isinstance(type_, Uuid) else TEXT_TAG


def _encoder(column: Column[Any]) -> Callable[[Any], bytes]:
    type_ = stored_type(column.type)
    kind = "int" if isinstance(type_, Integer) else "UUID" if isinstance(type_, Uuid) else "str"
    encode = {"int": _integer, "UUID": _uuid, "str": _text}[kind]
    most = type_.length if isinstance(type_, String) else None

    def encoded(value: Any) -> bytes:
        try:
            if most is None or len(value) <= most:  # PostgreSQL would cut blanks off
                return encode(value)
        except (TypeError, ValueError):
            pass
        place = f"{column.table.name}.{column.name}"
        raise InvalidValueError(f"{place} is a key that values are bound to, and takes {kind} of its type")

    return encoded


def _integer(value: Any) -> bytes:
    return encode_integer(value if isinstance(value, bool) else operator.index(value))


def _uuid(value: Any) -> bytes:
    return encode_uuid(UUID(value) if isinstance(value, str) else value)


def _text(value: Any) -> bytes:
    if not isinstance(value, str) or isinstance(value, Enum):
        raise TypeError
    return encode_text(str.__str__(value))
