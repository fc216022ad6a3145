"""Typed values and their tagged bytes: the whole range of each comes back, and it has one form."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import DecryptionError, Failure, InvalidValueError, moments, scalars

OFFSETS = st.integers(-86_399, 86_399).map(lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)))
ZONES = st.none() | OFFSETS
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(allow_nan=False, places=4)

CODECS: dict[str, Any] = {
    "boolean": (scalars.encode_boolean, scalars.decode_boolean, b"\x03", st.booleans()),
    "integer": (scalars.encode_integer, scalars.decode_integer, b"\x04", st.integers()),
    "decimal": (scalars.encode_decimal, scalars.decode_decimal, b"\x05", DECIMALS),
    "float": (scalars.encode_float, scalars.decode_float, b"\x06", st.floats(allow_nan=False)),
    "date": (moments.encode_date, moments.decode_date, b"\x07", st.dates()),
    "datetime": (moments.encode_datetime, moments.decode_datetime, b"\x08", st.datetimes(timezones=ZONES)),
    "time": (moments.encode_time, moments.decode_time, b"\x09", st.times(timezones=ZONES)),
    "interval": (moments.encode_interval, moments.decode_interval, b"\x0a", st.timedeltas()),
    "uuid": (scalars.encode_uuid, scalars.decode_uuid, b"\x0b", st.uuids()),
}
every_codec = pytest.mark.parametrize("kind", CODECS)


@every_codec
@given(data=st.data())
def test_the_whole_range_comes_back(kind, data):
    """Equal and of the same type; a moment with its offset."""
    encode, decode, _, values = CODECS[kind]
    value = data.draw(values)
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, dt.datetime | dt.time):
        assert back.utcoffset() == value.utcoffset()


@every_codec
@given(payload=st.binary(max_size=20))
def test_what_decodes_encodes_to_the_same_bytes(kind, payload):
    """There is one way to write a value; all else fails with `type`."""
    encode, decode, tag, _ = CODECS[kind]
    for tagged in (tag + payload, payload):
        try:
            outcome: object = encode(decode(tagged))
        except DecryptionError as error:
            outcome = error.failure
        assert outcome in (Failure.TYPE, tagged)


@every_codec
@pytest.mark.parametrize("value", ["canary-4111", b"canary-4111", None, [1], object()])
def test_another_type_is_refused_without_its_value(kind, value):
    """By the names of both types."""
    with pytest.raises(InvalidValueError, match=r"^takes ") as caught:
        CODECS[kind][0](value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("encode", "value"),
    [
        (scalars.encode_boolean, 0),
        (scalars.encode_boolean, 1),
        (scalars.encode_integer, True),
        (scalars.encode_float, False),
        (scalars.encode_float, 10**400),
        (scalars.encode_decimal, 1.5),
        (scalars.encode_decimal, Decimal("sNaN")),
        (scalars.encode_decimal, Decimal("1E+131072")),
        (scalars.encode_decimal, Decimal("1E-16384")),
        (moments.encode_date, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        (moments.encode_datetime, dt.date(2026, 1, 1)),
        (moments.encode_datetime, dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(microseconds=1)))),
    ],
)
def test_near_misses_are_refused(encode, value):
    """What Python would have let pass for one."""
    with pytest.raises(InvalidValueError, match=r"^takes "):
        encode(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("-0", "0"), ("-0.00", "0.00"), ("1.50", "1.50"), ("1E+3", "1000"), ("-1E-7", "-0.0000001")],
)
def test_a_decimal_keeps_its_scale_and_loses_its_exponent(value, text):
    """As PostgreSQL's numeric does, whose zero has no sign."""
    tagged = scalars.encode_decimal(Decimal(value))
    assert tagged[1:].decode() == text
    assert str(scalars.decode_decimal(tagged)) == str(Decimal(text))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "-NaN"])
def test_decimals_that_are_no_number(value):
    """One NaN and two infinities."""
    back = scalars.decode_decimal(scalars.encode_decimal(Decimal(value)))
    assert str(back) == value.replace("-NaN", "NaN")


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 5e-324])
def test_floats_at_the_edge(value):
    """Infinities, negative zero and the least there is."""
    back = scalars.decode_float(scalars.encode_float(value))
    assert math.copysign(1, back) == math.copysign(1, value)
    assert back == value


def test_there_is_one_nan():
    """Whatever bits it had."""
    tagged = scalars.encode_float(math.nan)
    assert tagged.hex() == "067ff8000000000000"
    assert math.isnan(scalars.decode_float(tagged))
    with pytest.raises(DecryptionError):
        scalars.decode_float(bytes.fromhex("067ff8000000000001"))


@pytest.mark.parametrize("text", ["null", "0", '""', "[]", '{"a": [1, null]}', '"名"', "1e400", " 1 "])
def test_json_comes_back_as_it_was_written(text):
    """The text, not a reading of it."""
    assert scalars.decode_json(scalars.encode_json(text)) == text


@pytest.mark.parametrize("text", ["", "nul", "NaN", "[Infinity]", "{'a': 1}", "1 2", "[" * 100_000])
def test_what_is_no_json_does_not_open(text):
    """Though it is authentic."""
    with pytest.raises(DecryptionError) as caught:
        scalars.decode_json(scalars.encode_json(text))
    assert caught.value.failure is Failure.TYPE
