"""JSON documents, arrays of them, and what an adapter makes of either: models, dataclasses."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql.type_api import TypeEngine

from . import codec, scalars
from .errors import ConfigurationError, DecryptionError, Failure, InvalidValueError
from .forms import FORMS, Form, array_form
from .valuetypes import ValueCodec, codec_of

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

T = TypeVar("T")


class Adapter(Protocol[T]):
    """Makes JSON of a value and a value of JSON, as `pydantic.TypeAdapter` does."""

    def dump_json(self, value: T, /) -> bytes:
        """The value as JSON in UTF-8."""

    def validate_json(self, data: bytes, /) -> T:
        """The value that the JSON tells; any exception where it tells none."""


class DataclassAdapter(Generic[T]):
    """A dataclass as a JSON object, field by field; its fields are what JSON holds."""

    def __init__(self, class_: type[T]) -> None:
        if not dataclasses.is_dataclass(class_):
            raise ConfigurationError(f"DataclassAdapter takes a dataclass, not {class_!r}")
        self._class = class_

    def dump_json(self, value: T, /) -> bytes:
        """The fields, by name."""
        if not isinstance(value, self._class):
            raise TypeError
        return json.dumps(dataclasses.asdict(value), ensure_ascii=False, allow_nan=False).encode()  # type: ignore[call-overload]

    def validate_json(self, data: bytes, /) -> T:
        """An instance made of the fields."""
        return self._class(**json.loads(data))


def adapted(adapter: Adapter[Any]) -> ValueCodec:
    """The codec of an adapter's values. What it raises is not handed on: such errors print their input."""
    if not (hasattr(adapter, "dump_json") and hasattr(adapter, "validate_json")):
        raise ConfigurationError("adapter= takes an object with dump_json and validate_json")

    def encode(value: object) -> bytes:
        text = _tried(lambda: adapter.dump_json(value).decode())
        if text is None:
            raise InvalidValueError(f"holds a {type(value).__name__} that its adapter makes no JSON of")
        return scalars.encode_json(text)

    def decode(tagged: bytes) -> object:
        text = scalars.decode_json(tagged)
        value = _tried(lambda: adapter.validate_json(text.encode()))
        if value is None:
            raise DecryptionError(Failure.TYPE)
        return value

    return ValueCodec(scalars.JSON_TAG, encode, decode, object)


@codec_of.register
def _json(type_: sa.JSON) -> ValueCodec:
    """None is JSON null unless the type says `none_as_null`; `JSON.NULL` always is."""

    def encode(value: object) -> bytes:
        given = None if value is sa.JSON.NULL else value
        text = _tried(lambda: json.dumps(given, ensure_ascii=False, allow_nan=False))
        if text is None:
            raise InvalidValueError(f"holds a {type(value).__name__} with something that is no JSON in it")
        return scalars.encode_json(text)

    def decode(tagged: bytes) -> object:
        return json.loads(scalars.decode_json(tagged))

    return ValueCodec(scalars.JSON_TAG, encode, decode, object, holds_none=not type_.none_as_null)


@codec_of.register
def _array(type_: sa.ARRAY) -> ValueCodec:  # type: ignore[type-arg]
    """A list as a JSON array, each item in the JSON that its own type has; None is an item."""
    to_json, from_json = _items(type_.item_type)
    deep = type_.dimensions

    def encode(value: object) -> bytes:
        if not isinstance(value, list | tuple):
            scalars.refuse("list", value)
        text = json.dumps(_mapped(list(value), to_json, deep), ensure_ascii=False, allow_nan=False)
        return scalars.encode_json(text)

    def decode(tagged: bytes) -> object:
        items = json.loads(scalars.decode_json(tagged))
        if not isinstance(items, list):
            raise DecryptionError(Failure.TYPE)
        mapped = _mapped(items, from_json, deep)
        return tuple(mapped) if type_.as_tuple else mapped

    return ValueCodec(scalars.JSON_TAG, encode, decode, tuple if type_.as_tuple else list)


def _items(item_type: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """To JSON and back: text, integers and booleans are JSON's own, other items tagged bytes in hex."""
    item = codec_of(item_type)
    known = _OF_JSON.get(item.tag)

    def to_json(value: Any) -> Any:
        tagged = item.encode(value)
        return tagged.hex() if known is None else known[1](tagged)

    def from_json(value: Any) -> Any:
        try:
            tagged = bytes.fromhex(value) if known is None else known[0](value)
        except (TypeError, ValueError):  # an InvalidValueError is one
            tagged = b""
        return item.decode(tagged)

    return to_json, from_json


_OF_JSON: dict[bytes, tuple[codec.Encode, codec.Decode]] = {
    codec.TEXT_TAG: (codec.encode_text, codec.decode_text),
    scalars.BOOLEAN_TAG: (scalars.encode_boolean, scalars.decode_boolean),
    scalars.INTEGER_TAG: (scalars.encode_integer, scalars.decode_integer),
}


class AdaptedJSON(sa.types.TypeDecorator[Any]):
    """A plaintext column of JSON for the values of an adapter."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, stored: "TypeEngine[Any]", adapter: Adapter[Any]) -> None:
        super().__init__()
        self.stored = stored
        self.adapter = adapter
        self.impl = stored  # type: ignore[assignment]

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """The document; SQL's NULL for None."""
        if value is None or isinstance(value, sa.Null):
            return sa.null()
        return json.loads(scalars.decode_json(adapted(self.adapter).encode(value)))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """What the adapter makes of it."""
        return None if value is None else self.adapter.validate_json(json.dumps(value).encode())


def form_of(type_: "TypeEngine[Any]") -> Form:
    """How a plaintext column of a type is read. Raises `ConfigurationError` for one that can't be."""
    stored = type_
    while isinstance(stored, sa.types.TypeDecorator):
        stored = stored.impl_instance
    try:
        if isinstance(stored, sa.ARRAY):
            return array_form(codec_of(stored.item_type).tag)
        return FORMS[codec_of(type_).tag]
    except KeyError:
        pass
    raise ConfigurationError(
        f"a plaintext column of {type_!r} can't be read value by value: wrap it in a TypeDecorator over text"
    )


def _mapped(items: list[Any], each: Callable[[Any], Any], deep: int | None) -> list[Any]:
    """Every item below the lists, as deep as the type says, or as they go."""
    inside = None if deep is None else deep - 1

    def one(item: Any) -> Any:
        if isinstance(item, list | tuple) and inside != 0:
            return _mapped(list(item), each, inside)
        return None if item is None else each(item)

    return [one(item) for item in items]


def _tried(make: Callable[[], T]) -> T | None:
    try:
        return make()
    except Exception:  # noqa: BLE001 - whatever a user's adapter raises may print the value
        return None
