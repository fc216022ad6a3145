"""Which codec a SQLAlchemy type has: what its column takes in Python, checked as PostgreSQL would check it.

Stricter where PostgreSQL would change a value in silence: nothing is rounded, cut, or moved to another zone.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import singledispatch
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INTERVAL as POSTGRESQL_INTERVAL
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.sql.type_api import TypeEngine

from . import codec, moments, scalars
from .errors import ConfigurationError, DecryptionError, Failure, InvalidValueError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class ValueCodec(NamedTuple):
    """A value to bytes with `tag` and back. `holds_none`: None is a value here (JSON null) and not NULL."""

    tag: bytes
    encode: codec.Encode
    decode: codec.Decode
    python_type: type
    holds_none: bool = False

    def checked(self, check: Callable[[Any], Any]) -> "ValueCodec":
        """The same after `check`, which returns what is to be encoded or raises `InvalidValueError`."""
        encode = self.encode
        return self._replace(encode=lambda value: encode(check(value)))


BOOLEAN = ValueCodec(scalars.BOOLEAN_TAG, scalars.encode_boolean, scalars.decode_boolean, bool)
INTEGER = ValueCodec(scalars.INTEGER_TAG, scalars.encode_integer, scalars.decode_integer, int)
DECIMAL = ValueCodec(scalars.DECIMAL_TAG, scalars.encode_decimal, scalars.decode_decimal, Decimal)
FLOAT = ValueCodec(scalars.FLOAT_TAG, scalars.encode_float, scalars.decode_float, float)
DATE = ValueCodec(moments.DATE_TAG, moments.encode_date, moments.decode_date, dt.date)
DATETIME = ValueCodec(moments.DATETIME_TAG, moments.encode_datetime, moments.decode_datetime, dt.datetime)
TIME = ValueCodec(moments.TIME_TAG, moments.encode_time, moments.decode_time, dt.time)
INTERVAL = ValueCodec(moments.INTERVAL_TAG, moments.encode_interval, moments.decode_interval, dt.timedelta)
UUID_ = ValueCodec(scalars.UUID_TAG, scalars.encode_uuid, scalars.decode_uuid, UUID)
TEXT = ValueCodec(codec.TEXT_TAG, codec.encode_text, codec.decode_text, str)
BYTES = ValueCodec(codec.BYTES_TAG, codec.encode_bytes, codec.decode_bytes, bytes)

_PLAIN = postgresql()  # type: ignore[no-untyped-call]


@singledispatch
def codec_of(type_: TypeEngine[Any]) -> ValueCodec:
    """The codec of a SQLAlchemy type's values. `ConfigurationError` for a type that has none."""
    raise ConfigurationError(
        f"Encrypted({type(type_).__name__}) has no codec: wrap it in a TypeDecorator over a type that has "
        "one, as Text, Integer, Numeric, DateTime, LargeBinary and JSON have"
    )


@codec_of.register
def _boolean(_: sa.Boolean) -> ValueCodec:
    return BOOLEAN


@codec_of.register
def _integer(type_: sa.Integer) -> ValueCodec:
    bits = 64 if isinstance(type_, sa.BigInteger) else 16 if isinstance(type_, sa.SmallInteger) else 32

    def check(value: Any) -> Any:
        if isinstance(value, int) and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise _out_of_range(f"an integer of {bits} bits")
        return value

    return INTEGER.checked(check)


@codec_of.register(sa.Numeric)
def _numeric(type_: sa.Numeric[Any]) -> ValueCodec:
    if not type_.asdecimal:
        return FLOAT
    whole = None if type_.precision is None else type_.precision - (type_.scale or 0)

    def check(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite():
            return value
        return _fitted(value, whole, type_.scale if whole is None else type_.scale or 0)

    return DECIMAL.checked(check)


@codec_of.register(sa.Float)
def _float(type_: sa.Float[Any]) -> ValueCodec:
    return _numeric(sa.Numeric()) if type_.asdecimal else FLOAT


def _fitted(value: Decimal, whole: int | None, scale: int | None) -> Decimal:
    """With the declared scale, as PostgreSQL stores it; what it would round or refuse is refused."""
    if whole is not None and value and value.adjusted() >= whole:
        raise _out_of_range(f"at most {whole} digits before the point")
    exponent = value.as_tuple().exponent
    if scale is None or not isinstance(exponent, int):
        return value
    digits = value.as_tuple().digits
    if exponent < -scale and any(digits[exponent + scale :]):
        raise _out_of_range(f"at most {scale} digits after the point")
    sign, shift = value.as_tuple().sign, exponent + scale
    kept = (*digits, *[0] * shift) if shift >= 0 else digits[:shift]
    return Decimal((sign, kept, -scale))


@codec_of.register
def _date(_: sa.Date) -> ValueCodec:
    return DATE


@codec_of.register
def _datetime(type_: sa.DateTime) -> ValueCodec:
    return DATETIME.checked(_zoned(type_.timezone))


@codec_of.register
def _time(type_: sa.Time) -> ValueCodec:
    return TIME.checked(_zoned(type_.timezone))


def _zoned(zone: bool) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, dt.datetime | dt.time) and (value.tzinfo is not None) is not zone:
            told = "with a zone, as timezone=True says" if zone else "without a zone: declare timezone=True"
            raise InvalidValueError(f"takes a {type(value).__name__} {told}")
        return value

    return check


@codec_of.register(sa.Interval)
@codec_of.register(POSTGRESQL_INTERVAL)
def _interval(_: TypeEngine[Any]) -> ValueCodec:
    return INTERVAL


@codec_of.register(sa.Uuid)
def _uuid(type_: sa.Uuid[Any]) -> ValueCodec:
    if type_.as_uuid:
        return UUID_

    def encode(value: object) -> bytes:
        parsed = _parsed_uuid(value) if isinstance(value, str) else None
        if parsed is None:
            scalars.refuse("a UUID as str", value)
        return scalars.encode_uuid(parsed)

    return ValueCodec(scalars.UUID_TAG, encode, lambda tagged: str(scalars.decode_uuid(tagged)), str)


def _parsed_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@codec_of.register
def _text(type_: sa.String) -> ValueCodec:
    most = type_.length
    if most is None:
        return TEXT

    def check(value: Any) -> Any:
        if isinstance(value, str) and len(value) > most:
            raise _out_of_range(f"at most {most:,} characters")
        return value

    return TEXT.checked(check)


@codec_of.register
def _bytes(_: sa.LargeBinary) -> ValueCodec:
    return BYTES


@codec_of.register
def _enum(type_: sa.Enum) -> ValueCodec:
    """By name, so that no order and no number is stored; a name that is no member any more does not open."""
    if type_.enum_class is None:
        names: dict[str, Any] = {name: name for name in type_.enums}
        told: type = str
    else:
        names, told = dict(type_.enum_class.__members__), type_.enum_class
        if set(type_.enums) - set(names):
            raise ConfigurationError("an encrypted Enum is stored by name: leave out values_callable=")
    by_member = {member: name for name, member in reversed(names.items())}

    def encode(value: object) -> bytes:
        name = by_member.get(value) if isinstance(value, told) else None
        if name is None:
            scalars.refuse(f"a member of {told.__name__}" if told is not str else "one of its names", value)
        return codec.encode_text(name)

    def decode(tagged: bytes) -> object:
        member = names.get(codec.decode_text(tagged))
        if member is None:
            raise DecryptionError(Failure.TYPE)
        return member

    return ValueCodec(codec.TEXT_TAG, encode, decode, told)


@codec_of.register
def _decorated(type_: sa.types.TypeDecorator) -> ValueCodec:  # type: ignore[type-arg]
    """A type of the user's own: its conversions around the codec of the type that it is over."""
    inner = codec_of(type_.impl_instance)
    bind, result = type_.process_bind_param, type_.process_result_value

    def encode(value: object) -> bytes:
        return inner.encode(bind(value, _PLAIN) if _is_given(type_, "process_bind_param") else value)

    def decode(tagged: bytes) -> object:
        value = inner.decode(tagged)
        return result(value, _PLAIN) if _is_given(type_, "process_result_value") else value

    return inner._replace(encode=encode, decode=decode, python_type=object)  # whatever the hooks make


@codec_of.register
def _pickled(type_: sa.PickleType) -> ValueCodec:
    """Pickled, as the type has it; what unpickles runs code, so keep it for values of your own making."""
    bind: Any = type_.bind_processor(_PLAIN)  # type: ignore[no-untyped-call]
    result: Any = type_.result_processor(_PLAIN, None)  # type: ignore[no-untyped-call]

    def decode(tagged: bytes) -> object:
        return result(codec.decode_bytes(tagged))

    return ValueCodec(codec.BYTES_TAG, lambda value: codec.encode_bytes(bind(value)), decode, object)


def _is_given(type_: Any, hook: str) -> bool:
    return getattr(type(type_), hook) is not getattr(sa.types.TypeDecorator, hook)


def _out_of_range(told: str) -> InvalidValueError:
    return InvalidValueError(f"takes {told}")
