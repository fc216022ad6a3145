"""What the values of a moved column are, and which columns of PostgreSQL hold such in the clear."""

from dataclasses import dataclass
from enum import StrEnum

from ... import moments, scalars
from ...codec import BYTES_TAG, TEXT_TAG
from ...forms import BYTES, FORMS, TEXT, Form, array_form


class ValueType(StrEnum):
    """What the values are in Python, and so which encrypted type the model has. `[]`: arrays of them."""

    TEXT = "text"
    BYTES = "bytes"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMERIC = "numeric"
    FLOAT = "float"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    TEXTS = "text[]"
    BYTESES = "bytes[]"
    BOOLEANS = "boolean[]"
    INTEGERS = "integer[]"
    NUMERICS = "numeric[]"
    FLOATS = "float[]"
    DATES = "date[]"
    DATETIMES = "datetime[]"
    TIMES = "time[]"
    UUIDS = "uuid[]"

    @property
    def is_as_it_is(self) -> bool:
        """Whether the driver hands values out as they are: text and bytes."""
        return self in {ValueType.TEXT, ValueType.BYTES}

    @property
    def stored(self) -> "Stored":
        """How PostgreSQL holds them."""
        return _STORED[self]


@dataclass(frozen=True)
class Stored:
    """`form`: how values are read and written. `bases`: the types that hold them, by their bare names.

    `sql`: the one that a column gets which had none before; None where that is for its user to say.
    """

    form: Form
    bases: frozenset[str]
    sql: str | None


_SCALARS: dict[str, tuple[bytes, str, str | None]] = {
    "text": (TEXT_TAG, "text varchar bpchar name citext", "text"),
    "bytes": (BYTES_TAG, "bytea", "bytea"),
    "boolean": (scalars.BOOLEAN_TAG, "bool", "boolean"),
    "integer": (scalars.INTEGER_TAG, "int2 int4 int8", "bigint"),
    "numeric": (scalars.DECIMAL_TAG, "numeric", "numeric"),
    "float": (scalars.FLOAT_TAG, "float4 float8", "double precision"),
    "date": (moments.DATE_TAG, "date", "date"),
    "datetime": (moments.DATETIME_TAG, "timestamp timestamptz", None),
    "time": (moments.TIME_TAG, "time timetz", None),
    "interval": (moments.INTERVAL_TAG, "interval", "interval"),
    "uuid": (scalars.UUID_TAG, "uuid", "uuid"),
    "json": (scalars.JSON_TAG, "json jsonb", "jsonb"),
}

BY_TAG = {tag: ValueType(name) for name, (tag, _, _) in _SCALARS.items()}
"""The type of values by the tag that they are sealed with."""


def _stored(type_: ValueType) -> Stored:
    tag, bases, sql = _SCALARS[type_.removesuffix("[]")]
    if type_.endswith("[]"):
        arrays = frozenset(f"_{base}" for base in bases.split())
        return Stored(array_form(tag), arrays, None if sql is None else f"{sql}[]")
    form = {TEXT_TAG: TEXT, BYTES_TAG: BYTES}.get(tag) or FORMS[tag]
    return Stored(form, frozenset(bases.split()), sql)


_STORED = {type_: _stored(type_) for type_ in ValueType}
