"""Rows written and read: an encrypted column beside plaintext, bytea of its size, and sqlalchemy-utils."""

from typing import Any

import sqlalchemy as sa

from sqlalchemy_envelope import attach

from . import asynchronous, bare, columns, growth
from . import operations as do
from .figures import Report
from .ground import Ground
from .keyrings import static_envelope
from .measure import Work, collecting, medians
from .models import NAMES, Base, Rows, cell_sizes, fill, given, texts
from .operations import Make

BULK: dict[str, tuple[Make, float, float]] = {
    "Core bulk insert": (do.core_bulk_insert, 1.4, 0.9),
    "ORM add_all": (do.orm_add_all, 1.6, 0.9),
    "Core select": (do.core_select, 1.4, 0.5),
    "ORM select": (do.orm_select, 1.6, 0.65),
}
"""With the aims: extra time in bare primitives, and time against sqlalchemy-utils."""

EACH: dict[str, tuple[Make, int, int]] = {
    "Core insert, a statement a row": (do.core_insert, 300, 1),
    "ORM insert, a flush a row": (do.orm_insert, 300, 1),
    "Core update by key": (do.core_update, 300, 1),
    "ORM load and update": (do.orm_update, 1_000, 1),
    "Core select by key": (do.core_select_by_key, 300, 1),
    "ORM get": (do.orm_get, 300, 1),
    "Core select of 10 rows": (do.core_select, 10, 50),
    "ORM select of 10 rows": (do.orm_select, 10, 50),
    "Core select of 1,000 rows": (do.core_select, 1_000, 10),
    "ORM select of 1,000 rows": (do.orm_select, 1_000, 5),
    "joined load of 1,000 rows": (do.joined_load, 1_000, 3),
    "Core select of 100,000 rows": (do.core_select, 100_000, 1),
    "ORM select of 100,000 rows": (do.orm_select, 100_000, 1),
}
"""With how many rows, and how often in a round."""


BARE = "bare primitives"


def run(report: Report, ground: Ground) -> None:
    """The suite."""
    count, rounds = (50, 1) if report.quick else (20_000, 9)
    told = f"{count:,} rows unless said otherwise, median of {rounds} rounds, variants in turn"
    report.suite("rows", f"{told}, static key, PostgreSQL beside")
    engine = attach(ground.engine(), static_envelope())
    sizes = "cells of {} and {} bytes".format(*cell_sizes(*texts(1)))
    report.note(f"a value of {len(texts(1)[0])} bytes, {sizes}")
    rows = given(count)
    if len(rows) < len(NAMES):
        report.note("sqlalchemy-utils: not installed")
    Base.metadata.create_all(engine)
    _bulk(report, engine, rows, rounds)
    _each(report, engine)
    columns.run(report, engine)
    asynchronous.run(report, ground)
    growth.run(report, engine)


def _bulk(report: Report, engine: sa.Engine, rows: dict[Any, Rows], rounds: int) -> None:
    count = len(next(iter(rows.values())))
    shown: dict[str, list[tuple[str, float]]] = {name: [] for name in NAMES}
    for name, (make, extra, total) in BULK.items():
        works = {model.__name__: make(engine, model, given) for model, given in rows.items()}
        reads = "select" in name
        before = _nothing if reads else _emptied(engine, rows)
        times = medians({**works, BARE: bare.work(count, reads=reads)}, count, rounds, before)
        unit = times.pop(BARE)
        lost = collecting(works, count, 1 if report.quick else 3, before)
        _tell(report, name, times, unit, (extra, total))
        _tell_collector(report, name, times, lost)
        for model, time in times.items():
            shown[model].append((name, time))
    for model, bars in shown.items():
        report.curve("rows", NAMES[model], bars)


def _tell(report: Report, name: str, times: dict[str, float], unit: float, aims: tuple[float, float]) -> None:
    report.add(f"{name}: plaintext", times["Text"], "µs a row")
    report.add(f"{name}: bytea of the same size", times["Plain"], "µs a row")
    report.add(f"{name}: encrypted", times["Ours"], "µs a row")
    report.add(f"{name}: bare primitives of a value, in turn with these", unit, "µs")
    report.add(f"{name}: extra, in bare primitives", (times["Ours"] - times["Plain"]) / unit, "×", aims[0])
    report.add(f"{name}: against plaintext", times["Ours"] / times["Text"], "×")
    if "Theirs" in times:
        report.add(f"{name}: sqlalchemy-utils", times["Theirs"], "µs a row")
        report.add(f"{name}: against sqlalchemy-utils", times["Ours"] / times["Theirs"], "×", aims[1])
        floor = (times["Plain"] + unit) / times["Theirs"]
        report.add(f"{name}: bytea and one bare primitive, against sqlalchemy-utils", floor, "×")


def _tell_collector(report: Report, name: str, times: dict[str, float], lost: dict[str, float]) -> None:
    report.add(f"{name}: of which Python's collector, bytea", lost["Plain"], "µs a row")
    report.add(f"{name}: of which Python's collector, encrypted", lost["Ours"], "µs a row")
    if "Theirs" in times:
        left = {model: times[model] - lost[model] for model in times}
        against = left["Ours"] / left["Theirs"]
        report.add(f"{name}: less the collector, against sqlalchemy-utils", against, "×")


def _nothing() -> None:
    """Reads leave alone what was written last."""


def _emptied(engine: sa.Engine, rows: dict[Any, Rows]) -> Work:
    """Writes begin on empty tables."""

    def empty() -> None:
        with engine.begin() as connection:
            for model in rows:
                fill(connection, model.__table__, [])

    return empty


def _each(report: Report, engine: sa.Engine) -> None:
    table: dict[str, list[float | None]] = {}
    for name, (make, size, times) in EACH.items():
        count, often = (min(size, 20), 1) if report.quick else (size, times)
        rounds = 1 if report.quick else 3 if size > 10_000 else 5
        rows = given(count)
        works = {model.__name__: _often(make(engine, model, each), often) for model, each in rows.items()}
        before = _emptied(engine, rows) if "insert" in name else _nothing
        seen = medians(works, count * often, rounds, before)
        ratio = seen["Ours"] / seen["Text"]
        table[name] = [*(seen.get(model) for model in NAMES), ratio]
    report.table("µs a row", [*NAMES.values(), "against plaintext"], table)


def _often(work: Work, often: int) -> Work:
    return work if often == 1 else lambda: [work() for _ in range(often)]
