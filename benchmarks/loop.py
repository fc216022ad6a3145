"""How late an event loop's other tasks are while values are written and read through a slow KMS."""

import asyncio
import gc
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from sqlalchemy_envelope import attach
from sqlalchemy_envelope.testing import FakeKms

from .figures import Report
from .ground import Ground, Place
from .kms import fake_envelope
from .models import Base, Ours, Plain

AIM = 20
BEAT = 0.002
DRIVERS = ("psycopg", "asyncpg")


def run(report: Report, ground: Ground) -> None:
    """The suite, for each driver."""
    count, rounds = (20, 1) if report.quick else (200, 3)
    beat = f"a heartbeat of {BEAT * 1000:.0f} ms, worst of {rounds}"
    report.suite("loop", f"a KMS of 200 ms, {count} values written and read, {beat}")
    for driver in DRIVERS:
        place = ground.place(driver)
        late: dict[str, list[Beat]] = {name: [] for name in _VARIANTS}
        for _ in range(rounds):
            for name, (model, frozen) in _VARIANTS.items():
                late[name].append(asyncio.run(_worst(model, place, count, frozen=frozen)))
        for name, worst in late.items():
            aim = None if name == CONTROL else AIM
            by, computed = max(worst)
            report.add(f"{driver}: a heartbeat was late by at most{name}", by * 1000, "ms", aim)
            report.note(
                f"{driver}{name}: in that beat the loop's thread computed for {computed * 1000:.2f} ms"
            )


Beat = tuple[float, float]
"""Seconds: late by, and computed by the loop's thread meanwhile. Late without computing: no processor."""

CONTROL = ", bytea and no KMS"
_VARIANTS = {"": (Ours, False), ", after gc.freeze()": (Ours, True), CONTROL: (Plain, False)}
"""Python's collector as it comes; as docs/keys.md advises; what driver and machine do by themselves."""


async def _worst(model: Any, place: Place, count: int, *, frozen: bool) -> Beat:
    fake = FakeKms(delay=0.2, insecure=True)
    envelope = fake_envelope(fake)
    engine = attach(create_async_engine(place[0], connect_args=place[1]), envelope)
    rows = [{"id": n, "ssn": f"value {n}" if model is Ours else b"a value"} for n in range(count)]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, [model.__table__])
        await connection.execute(sa.text(f"truncate {model.__tablename__}"))
        await connection.execute(sa.select(sa.func.count(model.id)))
    gc.collect()
    if frozen:
        gc.freeze()
    late: list[Beat] = []
    beating = asyncio.create_task(_beat(late))
    async with engine.begin() as connection:
        await connection.execute(sa.insert(model), rows)
        envelope.keyring.purge_cache()
        assert len((await connection.execute(sa.select(model.ssn))).all()) == count
    await asyncio.sleep(5 * BEAT)  # the beat that the last rows held up counts too
    beating.cancel()
    await engine.dispose()
    gc.unfreeze()
    return max(late)


async def _beat(late: list[Beat]) -> None:
    while True:
        began, computed = time.perf_counter(), time.thread_time()
        await asyncio.sleep(BEAT)
        late.append((time.perf_counter() - began - BEAT, time.thread_time() - computed))
