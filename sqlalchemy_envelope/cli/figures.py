"""Numbers as people read them."""

from datetime import UTC, datetime

_UNITS = ("B", "kB", "MB", "GB", "TB")


def count(number: int) -> str:
    """1,234,567."""
    return f"{number:,}"


def rows(number: int) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def size(number: float) -> str:
    """Bytes in the largest unit that they fill."""
    for unit in _UNITS[:-1]:
        if abs(number) < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def moment(when: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if when else ""
