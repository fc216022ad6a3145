"""What `type_=` an operation has for a column of a model or of a database."""

from typing import Any

from sqlalchemy import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..backfill.subject.valuetype import BY_TAG, ValueType
from ..errors import ConfigurationError
from ..pairs import Pair
from ..types import EncryptedType
from ..valuetypes import codec_of
from .changes import TableChanges


def value_type(type_: "TypeEngine[Any]") -> ValueType | None:
    """What the values of a column's type are, encrypted or plain; None where nothing encrypts such."""
    encrypted = isinstance(type_, EncryptedType)
    stored = getattr(type_, "plain", type_) if encrypted else type_
    while isinstance(stored, TypeDecorator):
        stored = stored.impl_instance
    try:
        if isinstance(stored, ARRAY):
            return ValueType(f"{BY_TAG[codec_of(stored.item_type).tag]}[]")
        return BY_TAG[type_.codec.tag if encrypted else codec_of(type_).tag]  # type: ignore[attr-defined]
    except (ConfigurationError, KeyError, ValueError):
        return None


def type_of(changes: TableChanges, pair: Pair) -> ValueType:
    """What the plaintext of a pair is read as. Raises `ConfigurationError` where nothing reads it."""
    found = value_type(pair.type)
    if found is None:
        raise ConfigurationError(
            f"{changes.name}.{pair.content.name}: nothing reads such a column from its plaintext: write"
            " op.encrypt_column(..., source=...) with what does"
        )
    return found
