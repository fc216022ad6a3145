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
from .rows import Base, Ours, Plain

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
        late: dict[str, list[float]] = {name: [] for name in _VARIANTS}
        for _ in range(rounds):
            for name, (model, frozen) in _VARIANTS.items():
                late[name].append(asyncio.run(_worst(model, (url, arguments), count, frozen=frozen)))
        for name, worst in late.items():
            aim = None if name == CONTROL else AIM
            report.add(f"{driver}: a heartbeat was late by at most{name}", max(worst) * 1000, "ms", aim)


CONTROL = ", bytea and no KMS"
_VARIANTS = {"": (Ours, False), ", after gc.freeze()": (Ours, True), CONTROL: (Plain, False)}
"""Python's collector as it comes; as docs/keys.md advises; what driver and machine do by themselves."""


async def _worst(model: Any, place: tuple[sa.URL, dict[str, Any]], count: int, *, frozen: bool) -> float:
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
    late: list[float] = []
    beating = asyncio.create_task(_beat(late))
    async with engine.begin() as connection:
        await connection.execute(sa.insert(model), rows)
        envelope.keyring.purge_cache()  # type: ignore[attr-defined]
        assert len((await connection.execute(sa.select(model.ssn))).all()) == count
    await asyncio.sleep(5 * BEAT)  # the beat that the last rows held up counts too
    beating.cancel()
    await engine.dispose()
    gc.unfreeze()
    return max(late)


async def _beat(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - began - BEAT)
