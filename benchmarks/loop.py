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
from .kms import fake_envelope
from .rows import Base, Ours

AIM = 20
BEAT = 0.002


Places = dict[str, tuple[sa.URL, dict[str, Any]]]
"""By driver: a server and what to connect with."""


def run(report: Report, places: Places) -> None:
    """The suite, for each driver."""
    count, rounds = (20, 1) if report.quick else (200, 3)
    beat = f"a heartbeat of {BEAT * 1000:.0f} ms, worst of {rounds}"
    report.suite("loop", f"a KMS of 200 ms, {count} values written and read, {beat}")
    for driver, (url, arguments) in places.items():
        worst = max(asyncio.run(_worst(url, arguments, count)) for _ in range(rounds))
        report.add(f"{driver}: a heartbeat was late by at most", worst * 1000, "ms", AIM)


async def _worst(url: sa.URL, arguments: dict[str, Any], count: int) -> float:
    fake = FakeKms(delay=0.2, insecure=True)
    envelope = fake_envelope(fake)
    engine = attach(create_async_engine(url, connect_args=arguments), envelope)
    rows = [{"id": n, "ssn": f"value {n}"} for n in range(count)]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, [Ours.__table__])
        await connection.execute(sa.text("truncate ours"))
        await connection.execute(sa.select(sa.func.count(Ours.id)))
    gc.collect()
    gc.freeze()  # as docs/keys.md advises: what is long-lived is not walked again
    late: list[float] = []
    beating = asyncio.create_task(_beat(late))
    async with engine.begin() as connection:
        await connection.execute(sa.insert(Ours), rows)
        envelope.keyring.purge_cache()  # type: ignore[attr-defined]
        assert len((await connection.execute(sa.select(Ours.ssn))).all()) == count
    beating.cancel()
    await engine.dispose()
    return max(late)


async def _beat(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - began - BEAT)
