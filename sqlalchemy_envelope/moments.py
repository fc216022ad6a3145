"""Dates, times and intervals as tagged bytes: whole microseconds, and the offset as it was given.

Normative text: docs/wire-format.md, section 6. Numbers are big endian two's complement.
"""

import datetime as dt
import struct

from .errors import DecryptionError, Failure, InvalidValueError
from .scalars import refuse

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

DATE_TAG = b"\x07"
DATETIME_TAG = b"\x08"
TIME_TAG = b"\x09"
INTERVAL_TAG = b"\x0a"

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - what the clock on the wall says, offset apart
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = dt.timedelta(microseconds=1)
_SECOND = dt.timedelta(seconds=1)
_DAY = 86_400_000_000
_DAY_SECONDS = 86_400


def encode_date(value: object) -> bytes:
    """`0x07` and the days since 1970-01-01, 4 bytes. A `datetime` is no date."""
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        refuse("date", value)
    return DATE_TAG + struct.pack(">i", value.toordinal() - _EPOCH_DAY)


def decode_date(tagged: bytes) -> dt.date:
    """The `date` behind its tag."""
    if tagged[:1] == DATE_TAG and len(tagged) == 5:
        ordinal = struct.unpack(">i", tagged[1:])[0] + _EPOCH_DAY
        if 1 <= ordinal <= dt.date.max.toordinal():
            return dt.date.fromordinal(ordinal)
    del tagged
    raise DecryptionError(Failure.TYPE)


def encode_datetime(value: object) -> bytes:
    """`0x08` and the microseconds since 1970-01-01 00:00, 8 bytes; with an offset, by UTC, and its seconds.

    Raises `InvalidValueError` for an offset that is no whole number of seconds.
    """
    if not isinstance(value, dt.datetime):
        refuse("datetime", value)
    wall = (value.replace(tzinfo=None, fold=0) - _EPOCH) // _MICROSECOND
    offset = _offset(value.utcoffset())
    if offset is None:
        return DATETIME_TAG + struct.pack(">q", wall)
    return DATETIME_TAG + struct.pack(">qi", wall - offset * 1_000_000, offset)


def decode_datetime(tagged: bytes) -> dt.datetime:
    """The `datetime` behind its tag, with a fixed offset if it had any."""
    try:
        if tagged[:1] == DATETIME_TAG and len(tagged) in (9, 13):
            return _datetime(tagged)
    except (OverflowError, ValueError):
        pass
    del tagged
    raise DecryptionError(Failure.TYPE)


def _datetime(tagged: bytes) -> dt.datetime:
    micros, zone = _micros_and_zone(tagged)
    if zone is None:
        return _EPOCH + micros * _MICROSECOND
    offset = zone.utcoffset(None)
    return (_EPOCH + (micros * _MICROSECOND + offset)).replace(tzinfo=zone)


def encode_time(value: object) -> bytes:
    """`0x09` and the microseconds since midnight, 8 bytes; with an offset, its seconds in 4 more."""
    if not isinstance(value, dt.time):
        refuse("time", value)
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    micros = seconds * 1_000_000 + value.microsecond
    offset = _offset(value.utcoffset())
    if offset is None and value.tzinfo is not None:
        raise InvalidValueError(
            "takes no time in a zone whose offset depends on the day: give a fixed offset"
        )
    return TIME_TAG + (struct.pack(">q", micros) if offset is None else struct.pack(">qi", micros, offset))


def decode_time(tagged: bytes) -> dt.time:
    """The `time` behind its tag."""
    try:
        if tagged[:1] == TIME_TAG and len(tagged) in (9, 13):
            micros, zone = _micros_and_zone(tagged)
            if 0 <= micros < _DAY:
                return (_EPOCH + micros * _MICROSECOND).time().replace(tzinfo=zone)
    except ValueError:
        pass
    del tagged
    raise DecryptionError(Failure.TYPE)


def encode_interval(value: object) -> bytes:
    """`0x0A`, the days of a `timedelta` in 4 bytes, and the microseconds of its last day in 8."""
    if not isinstance(value, dt.timedelta):
        refuse("timedelta", value)
    return INTERVAL_TAG + struct.pack(">iq", value.days, value.seconds * 1_000_000 + value.microseconds)


def decode_interval(tagged: bytes) -> dt.timedelta:
    """The `timedelta` behind its tag."""
    if tagged[:1] == INTERVAL_TAG and len(tagged) == 13:
        days, micros = struct.unpack(">iq", tagged[1:])
        if 0 <= micros < _DAY and abs(days) <= dt.timedelta.max.days:
            return dt.timedelta(days=days, microseconds=micros)
    del tagged
    raise DecryptionError(Failure.TYPE)


def _offset(offset: dt.timedelta | None) -> int | None:
    if offset is None:
        return None
    if offset % _SECOND:
        raise InvalidValueError("takes an offset from UTC of whole seconds")
    return offset // _SECOND


def _micros_and_zone(tagged: bytes) -> tuple[int, dt.timezone | None]:
    """Raises `ValueError` for an offset of a day or more."""
    if len(tagged) == 9:
        return struct.unpack(">q", tagged[1:])[0], None
    micros, offset = struct.unpack(">qi", tagged[1:])
    if abs(offset) >= _DAY_SECONDS:
        raise ValueError("no offset")
    return micros, dt.timezone(dt.timedelta(seconds=offset))
