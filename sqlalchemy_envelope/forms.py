"""Plaintext columns of other types than text and bytes, as SQL hands their values out: as JSON.

No driver and no setting of the session changes that (the zone of an instant apart, which is undone), and
nothing is lost on the way: what Python has no value for, such as 24:00 or an interval of months, is refused.
"""

import datetime as dt
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from . import codec, moments, scalars
from .errors import InvalidValueError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class JsonText(str):
    """A JSON document as its text, which keeps numbers whole."""

    __slots__ = ()


def as_json(column: str) -> str:
    """SQL for a column's value as JSON text; NULL for NULL."""
    return f"to_json({column})::text"


def _interval_sql(column: str) -> str:
    """Months, days and microseconds, as PostgreSQL stores them; its own text depends on `IntervalStyle`."""
    months, days, hours, minutes, micros = (
        f"extract({field} FROM {column})" for field in ("month", "day", "hour", "minute", "microseconds")
    )
    years = f"extract(year FROM {column})"
    parts = f"{years} * 12 + {months}, {days}, {hours} * 3600000000 + {minutes} * 60000000 + {micros}"
    return f"CASE WHEN {column} IS NOT NULL THEN to_json(ARRAY[{parts}]::bigint[])::text END"


class Form(NamedTuple):
    """How values of one type leave PostgreSQL and come back to it.

    `value`: makes a Python value of parsed JSON, whose numbers are still text. `text`: what PostgreSQL reads
    the value from. `sql`: the value of a column as JSON text.
    """

    value: Callable[[Any], Any]
    encode: codec.Encode
    decode: codec.Decode
    text: Callable[[Any], str] = str
    sql: Callable[[str], str] = as_json

    def read(self, text: object) -> Any:
        """A value from what `sql` gives. Raises `InvalidValueError` for one that Python does not have."""
        with suppress(Exception):  # its message prints the value, so that ours is raised out here
            return self.value(json.loads(text, parse_int=str, parse_float=str))  # type: ignore[arg-type]
        del text
        raise InvalidValueError("holds what is no value of its type in Python")


class _DocumentForm(Form):
    __slots__ = ()

    def read(self, text: object) -> JsonText:
        return JsonText(text)


def _moment(raw: str) -> dt.datetime:
    value = dt.datetime.fromisoformat(_before_midnight(raw))
    return value if value.tzinfo is None else value.astimezone(dt.UTC)


def _before_midnight(raw: str) -> str:
    """PostgreSQL has a time 24:00; some versions of Python take it for that of the next day."""
    if raw.startswith("24") or "T24" in raw:
        raise ValueError
    return raw


def _interval(raw: list[str]) -> dt.timedelta:
    months, days, micros = map(int, raw)
    if months:
        raise ValueError
    return dt.timedelta(days, microseconds=micros)


def _interval_text(value: dt.timedelta) -> str:
    """Both signs said, or under `IntervalStyle = sql_standard` the first would be of both."""
    return f"{value.days:+} days {value.seconds * 1_000_000 + value.microseconds:+} microseconds"


def _encode_document(value: object) -> bytes:
    return scalars.encode_json(value if type(value) is JsonText else json.dumps(value, ensure_ascii=False))


TEXT = Form(str, codec.encode_text, codec.decode_text)
BYTES = Form(
    lambda raw: bytes.fromhex(raw.removeprefix("\\x")),
    codec.encode_bytes,
    codec.decode_bytes,
    lambda value: f"\\x{value.hex()}",
)
FORMS: dict[bytes, Form] = {
    scalars.BOOLEAN_TAG: Form(lambda raw: raw, scalars.encode_boolean, scalars.decode_boolean),
    scalars.INTEGER_TAG: Form(int, scalars.encode_integer, scalars.decode_integer),
    scalars.DECIMAL_TAG: Form(
        Decimal, scalars.encode_decimal, scalars.decode_decimal, lambda value: f"{value:f}"
    ),
    scalars.FLOAT_TAG: Form(float, scalars.encode_float, scalars.decode_float),
    moments.DATE_TAG: Form(dt.date.fromisoformat, moments.encode_date, moments.decode_date),
    moments.DATETIME_TAG: Form(
        _moment, moments.encode_datetime, moments.decode_datetime, dt.datetime.isoformat
    ),
    moments.TIME_TAG: Form(
        lambda raw: dt.time.fromisoformat(_before_midnight(raw)), moments.encode_time, moments.decode_time
    ),
    moments.INTERVAL_TAG: Form(
        _interval, moments.encode_interval, moments.decode_interval, _interval_text, _interval_sql
    ),
    scalars.UUID_TAG: Form(UUID, scalars.encode_uuid, scalars.decode_uuid),
    scalars.JSON_TAG: _DocumentForm(
        str, _encode_document, lambda tagged: JsonText(scalars.decode_json(tagged))
    ),
}
"""By the tag of a type; text and bytes are read as they are, but as items of an array."""

_OF_JSON = {codec.TEXT_TAG, scalars.BOOLEAN_TAG, scalars.INTEGER_TAG}
"""Items that an array has as JSON has them; others are tagged bytes in hex."""


def array_form(tag: bytes) -> Form:
    """The form of arrays whose items have a tag. Raises `KeyError` for items that no array may have."""
    item = {codec.TEXT_TAG: TEXT, codec.BYTES_TAG: BYTES}.get(tag) or FORMS[tag]
    if isinstance(item, _DocumentForm) or item.sql is not as_json:
        raise KeyError(tag)
    own = tag in _OF_JSON

    def encode(values: object) -> bytes:
        stored = _each(values, lambda value: value if own else item.encode(value).hex())
        return scalars.encode_json(json.dumps(stored, ensure_ascii=False))

    def decode(tagged: bytes) -> object:
        return _each(
            json.loads(scalars.decode_json(tagged)),
            lambda stored: stored if own else item.decode(bytes.fromhex(stored)),
        )

    return Form(
        lambda raw: _each(raw, item.value), encode, decode, lambda values: _literal(values, item.text)
    )


def _each(items: Any, make: Callable[[Any], Any]) -> Any:
    if isinstance(items, list | tuple):
        return [_each(each, make) for each in items]
    return None if items is None else make(items)


def _literal(items: Any, text: Callable[[Any], str]) -> str:
    """An array as PostgreSQL reads it."""
    if isinstance(items, list | tuple):
        return "{" + ",".join(_literal(each, text) for each in items) + "}"
    if items is None:
        return "NULL"
    quoted = text(items).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def comparable(value: Any) -> Any:
    """Lists, texts and numbers that are written alike where values are equal, and only there.

    The scale of a number, the offset of an instant and the order of names in a document are no difference.
    """
    if type(value) is JsonText:
        return comparable(json.loads(value, parse_int=Decimal, parse_float=Decimal))
    if isinstance(value, dict):
        return sorted([name, comparable(each)] for name, each in value.items())
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    if isinstance(value, Decimal) and value.is_finite():
        return _shortest(value)
    if isinstance(value, dt.datetime):
        return moments.encode_datetime(value)[:9], value.tzinfo is None
    return value


def _shortest(value: Decimal) -> Any:
    """Sign, digits and exponent without zeros at the end."""
    sign, digits, exponent = value.as_tuple()
    kept = "".join(map(str, digits)).lstrip("0").rstrip("0")
    zeros = len("".join(map(str, digits)).rstrip("0"))
    return (sign, kept, int(exponent) + len(digits) - zeros) if kept else 0
