"""SQLAlchemy's asynchronous interfaces give on encrypted columns what they give on plain ones."""

import textwrap
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from sqlalchemy_envelope import NotAttachedError, UnsupportedStatementError, attach

from .statements.catalogue import NAMES, plain
from .statements.harness import ENVELOPE, SCHEMAS, SEQUENCES, prepare
from .statements.models import CANARY, ENCRYPTED, PLAIN, Models

SHAPES = (
    "return (await s.scalars(select(P).order_by(P.id))).all()",
    "return (await s.execute(select(P.id, P.ssn).order_by(P.id))).all()",
    "return await s.get(P, 1)",
    "return [row async for row in await s.stream(select(P.id, P.ssn).order_by(P.id))]",
    "return [p async for p in await s.stream_scalars(select(P.name).order_by(P.id))]",
    "return [p async for p in (await s.stream(select(P.name).order_by(P.id))).partitions(3)]",
    (
        "q = select(P.name).order_by(P.id).execution_options(yield_per=2)\n"
        "return [part async for part in (await s.stream_scalars(q)).partitions()]"
    ),
    (
        "async with s.bind.connect() as c:\n    await c.execute(text(PATH))\n"
        "    return (await c.execute(select(p.c.name).order_by(p.c.id))).all()"
    ),
    (
        "async with s.bind.connect() as c:\n    await c.execute(text(PATH))\n"
        "    async with c.stream(select(p.c.name).order_by(p.c.id)) as r:\n        return [row async for row in r]"
    ),
    "patient = P(name=C, ssn=C)\ns.add(patient)\nawait s.flush()\nreturn (patient.name, patient.greeting, patient.code)",
    "patient = P(name=C)\ns.add(patient)\nawait s.commit()\nawait s.refresh(patient)\nreturn (patient.name, patient.code)",
    "patient = await s.get(P, 2)\npatient.ssn = None\nawait s.flush()\nawait s.refresh(patient, ['ssn'])\nreturn patient.ssn",
    "patient = await s.get(P, 1)\nreturn await s.run_sync(lambda _: patient.diary)",
    (
        "patient = (await s.scalars(select(P).options(selectinload(P.stays)).where(P.id == 1))).one()\n"
        "return [stay.reason for stay in patient.stays]"
    ),
    "return (await s.scalars(insert(P).returning(P.name), [{'name': C + '1'}, {'name': C + '2'}])).all()",
    "await s.execute(update(P).where(P.id == 1).values(ssn=C))\nreturn await s.scalar(select(P.ssn).where(P.id == 1))",
    (
        "async with s.begin_nested() as point:\n    s.add(P(name=C))\n    await s.flush()\n    await point.rollback()\n"
        "return await s.scalar(select(func.count(P.id)))"
    ),
    "return (await s.merge(P(id=1, name=C))).name",
)


@pytest.fixture
async def engine(async_engine: AsyncEngine) -> AsyncEngine:
    """An attached engine with both sets of tables."""
    attach(async_engine, ENVELOPE)
    async with async_engine.connect() as connection:
        for models in (ENCRYPTED, PLAIN):
            await connection.run_sync(prepare, models)
    return async_engine


async def _run(engine: AsyncEngine, models: Models, shape: str) -> Any:
    path = f"set search_path to {SCHEMAS[id(models)]}"
    names = {**NAMES, **models._asdict(), "p": models.P.__table__, "C": CANARY, "PATH": path}
    exec("async def run(s):\n" + textwrap.indent(shape, "    "), names)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await session.execute(text(path))
        await session.execute(SEQUENCES)
        return plain(await names["run"](session))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[:70])
async def test_an_async_shape_gives_what_its_twin_gives(engine: AsyncEngine, shape: str) -> None:
    """Results of the same types and values."""
    assert await _run(engine, ENCRYPTED, shape) == await _run(engine, PLAIN, shape)


async def test_refusals_come_through(engine: AsyncEngine) -> None:
    """As the library's own errors, with the session still usable."""
    async with AsyncSession(engine) as session:
        await session.execute(text("set search_path to sealed"))
        with pytest.raises(UnsupportedStatementError):
            await session.execute(NAMES["select"](ENCRYPTED.P).order_by(ENCRYPTED.P.name))
        assert len((await session.scalars(NAMES["select"](ENCRYPTED.P))).all()) == 4


async def test_without_an_envelope_nothing_is_read(async_engine: AsyncEngine) -> None:
    """On an asynchronous engine as on any."""
    async with AsyncSession(async_engine) as session:
        with pytest.raises(NotAttachedError):
            await session.stream(NAMES["select"](ENCRYPTED.P))
