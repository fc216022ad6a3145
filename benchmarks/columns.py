"""Rows of one to five encrypted columns, beside as many pairs of bytea."""

import os
from typing import Any

import sqlalchemy as sa

from .figures import Report
from .measure import Work, medians
from .models import Rows, cell_sizes, fill, several, texts

MOST = 5


def run(report: Report, engine: sa.Engine) -> None:
    """A part of the suite `rows`, on its attached engine."""
    count, rounds = (20, 1) if report.quick else (5_000, 5)
    numbers = (1, MOST) if report.quick else tuple(range(1, MOST + 1))
    table: dict[str, list[float | None]] = {}
    for columns in numbers:
        written, read = _measured(engine, columns, count, rounds)
        for told, times in (("Core bulk insert", written), ("Core select", read)):
            table.setdefault(f"{told}: encrypted", []).append(times["ours"])
            table.setdefault(f"{told}: bytea of the same size", []).append(times["bytea"])
            extra = (times["ours"] - times["bytea"]) / columns
            table.setdefault(f"{told}: extra for each value", []).append(extra)
    report.table(f"µs a row, {count:,} rows, by columns", [str(number) for number in numbers], table)


def _measured(
    engine: sa.Engine, columns: int, count: int, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    ours, plain = several(columns)
    ours.metadata.create_all(engine)
    given = {"ours": (ours, _values(count, columns)), "bytea": (plain, _cells(count, columns))}
    writes = {name: _insert(engine, *each) for name, each in given.items()}
    written = medians(writes, count, rounds, lambda: _emptied(engine, ours, plain))
    _emptied(engine, ours, plain)
    for work in writes.values():
        work()
    read = medians({name: _select(engine, table) for name, (table, _) in given.items()}, count, rounds)
    ours.metadata.drop_all(engine)
    return written, read


def _values(count: int, columns: int) -> Rows:
    values = texts(count)
    return [{"id": n, **{f"value{at}": value for at in range(columns)}} for n, value in enumerate(values)]


def _cells(count: int, columns: int) -> Rows:
    dek, content = cell_sizes(*texts(1))
    return [{"id": n, **_pairs(columns, dek, content)} for n in range(count)]


def _pairs(columns: int, dek: int, content: int) -> dict[str, bytes]:
    cells: dict[str, bytes] = {}
    for at in range(columns):
        cells |= {f"value{at}": os.urandom(content), f"value{at}_dek": os.urandom(dek)}
    return cells


def _emptied(engine: sa.Engine, *tables: sa.Table) -> None:
    with engine.begin() as connection:
        for table in tables:
            fill(connection, table, [])


def _insert(engine: sa.Engine, table: sa.Table, rows: Rows) -> Work:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(table), rows)

    return insert


def _select(engine: sa.Engine, table: sa.Table) -> Work:
    def select() -> Any:
        with engine.connect() as connection:
            return connection.execute(sa.select(table)).all()

    return select
