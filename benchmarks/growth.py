"""From 10^3 to 10^6 rows: what a row costs should not depend on how many there are."""

import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from .figures import Report
from .models import NAMES, Ours, Text, fill, texts

BATCH = 10_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def run(report: Report, engine: sa.Engine) -> None:
    """A part of the suite `rows`, on its attached engine: once each, the small ones as often as it takes."""
    sizes = (100, 1_000) if report.quick else SIZES
    table: dict[str, list[float | None]] = {}
    for model in (Text, Ours):
        measured = [_measured(engine, model, size, max(1, sizes[-2] // size)) for size in sizes]
        for told, at in (("insert", 0), ("select", 1)):
            each = [pair[at] for pair in measured]
            table[f"{told}: {NAMES[model.__name__]}"] = list(each)
            report.curve("growth", f"{told}: {NAMES[model.__name__]}", list(zip(sizes, each, strict=True)))
        with engine.begin() as connection:
            fill(connection, model.__table__, [])
    report.table(f"µs a row, in batches of {BATCH:,}, by rows", [f"{size:,}" for size in sizes], table)
    for told in ("insert", "select"):
        first, last = (table[f"{told}: {NAMES['Ours']}"][at] or 0.0 for at in (0, -1))
        report.add(f"{told}: a row among {sizes[-1]:,}, against one of {sizes[0]:,}", last / first, "×")


def _measured(engine: sa.Engine, model: Any, size: int, times: int) -> tuple[float, float]:
    """Microseconds a row, written and read."""
    written = read = 0.0
    for _ in range(min(times, 20)):
        with engine.begin() as connection:
            fill(connection, model.__table__, [])
        for rows in _batches(size):
            began = time.perf_counter()
            with engine.begin() as connection:
                connection.execute(sa.insert(model.__table__), rows)
            written += time.perf_counter() - began
        read += _read(engine, model, size)
    each = size * min(times, 20)
    return written / each * 1e6, read / each * 1e6


def _batches(size: int) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, size, BATCH):
        count = min(BATCH, size - first)
        yield [{"id": n, "ssn": text} for n, text in enumerate(texts(count, first), first)]


def _read(engine: sa.Engine, model: Any, size: int) -> float:
    began = time.perf_counter()
    with engine.connect().execution_options(yield_per=BATCH) as connection:
        seen = sum(len(part) for part in connection.execute(sa.select(model.__table__)).partitions())
    if seen != size:
        raise AssertionError
    return time.perf_counter() - began
