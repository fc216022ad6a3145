"""The same on asyncio, by each driver."""

import asyncio
import statistics
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sqlalchemy_envelope import attach

from .figures import Report
from .ground import Ground
from .keyrings import static_envelope
from .models import NAMES, Rows, given

DRIVERS = ("psycopg_async", "asyncpg")


def run(report: Report, ground: Ground) -> None:
    """A part of the suite `rows`, on tables that are there."""
    count, rounds = (20, 1) if report.quick else (5_000, 5)
    rows = {model: each for model, each in given(count).items() if model.__name__ != "Theirs"}
    table: dict[str, list[float | None]] = {}
    for driver in DRIVERS:
        for told, times in asyncio.run(_measured(ground, driver, rows, rounds)).items():
            medians = [statistics.median(times[model.__name__]) / count * 1e6 for model in rows]
            table[f"{driver}: {told}"] = [*medians, medians[-1] / medians[0]]
    names = [NAMES[model.__name__] for model in rows]
    report.table(f"asyncio, µs a row, {count:,} rows", [*names, "against plaintext"], table)


Times = dict[str, dict[str, list[float]]]


async def _measured(ground: Ground, driver: str, rows: dict[Any, Rows], rounds: int) -> Times:
    engine = attach(ground.async_engine(driver), static_envelope())
    seen: Times = {"bulk insert": {}, "select": {}}
    async with engine.connect() as connection:
        for each in range(rounds + 1):
            for model, values in rows.items():
                written, read = await _round(connection, model, values)
                if each:  # the first one compiles
                    seen["bulk insert"].setdefault(model.__name__, []).append(written)
                    seen["select"].setdefault(model.__name__, []).append(read)
    await engine.dispose()
    return seen


async def _round(connection: AsyncConnection, model: Any, rows: Rows) -> tuple[float, float]:
    await connection.execute(sa.text(f"truncate {model.__tablename__}"))
    began = time.perf_counter()
    await connection.execute(sa.insert(model.__table__), rows)
    written = time.perf_counter()
    (await connection.execute(sa.select(model.__table__))).all()
    read = time.perf_counter()
    await connection.rollback()
    return written - began, read - written
