"""Every shape of the catalogue, on each driver: it works as on plain columns, or it is refused."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sqlalchemy_envelope import attach

from .fixtures.postgresql import Database
from .statements import (
    sections,  # noqa: F401
    tiered,
)
from .statements.catalogue import CATALOGUE, Shape
from .statements.harness import ENVELOPE, Outcome, attempt, check, prepare, quiet_log
from .statements.models import ENCRYPTED, PLAIN, STATES, Models

DRIVERS = ("psycopg", "psycopg_async", "asyncpg")
ON_DRIVERS = [(driver, ENCRYPTED) for driver in DRIVERS]
IN_STATES = [("psycopg", models) for models in STATES]
IS_20 = sa.__version__.startswith("2.0.")
RUNS = [ON_DRIVERS[1], IN_STATES[1]] if IS_20 else [ON_DRIVERS[0], ON_DRIVERS[2]]
"""psycopg and asyncpg on SQLAlchemy 2.1; asynchronous psycopg, and the state that reads both columns, on 2.0.
With `ENVELOPE_EVERY_RUN=1` all of them on both."""
if os.environ.get("ENVELOPE_EVERY_RUN"):
    RUNS = [*ON_DRIVERS, *IN_STATES]
Attempt = Callable[[Shape], Outcome]
Run = tuple[Models, Attempt, Attempt]
Call = Callable[..., Any]


def _named(run: tuple[str, Models]) -> str:
    driver, models = run
    return driver if models.moving is None else f"{driver}-{models.moving.__name__}"


pytestmark = pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian", "ignore:.*deprecated")


@pytest.fixture(scope="module", params=RUNS, ids=_named)
def run(request: pytest.FixtureRequest, module_database: Database) -> Iterator[Run]:
    """Models, what runs a shape on them and what runs it on plain ones: on one driver, in one state.

    The plain twins have an engine of their own without an envelope: it shows what SQLAlchemy does.
    """
    driver, encrypted = request.param
    connected = _sync if driver == "psycopg" else _async
    with quiet_log(), connected(module_database, driver) as (ours, plain):
        ours(prepare, encrypted)
        plain(prepare, PLAIN)
        yield encrypted, partial(ours, attempt, encrypted), partial(plain, attempt, PLAIN)


@contextmanager
def _sync(database: Database, driver: str) -> Iterator[tuple[Call, Call]]:
    engines = [sa.create_engine(database.url(driver), echo="debug") for _ in range(2)]
    attach(engines[0], ENVELOPE)
    with engines[0].connect() as ours, engines[1].connect() as plain:
        yield partial(_call, ours), partial(_call, plain)
    for engine in engines:
        engine.dispose()


def _call(connection: sa.Connection, function: Callable[..., Any], *arguments: Any) -> Any:
    return function(connection, *arguments)


@contextmanager
def _async(database: Database, driver: str) -> Iterator[tuple[Call, Call]]:
    engines = [create_async_engine(database.url(driver), echo="debug") for _ in range(2)]
    attach(engines[0], ENVELOPE)
    with asyncio.Runner() as runner:
        connections = [runner.run(_connected(engine)) for engine in engines]
        ours, plain = (partial(_call_async, runner, connection) for connection in connections)
        try:
            yield ours, plain
        finally:
            runner.run(_closed(connections, engines))


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


async def _closed(connections: list[AsyncConnection], engines: list[AsyncEngine]) -> None:
    for connection in connections:
        await connection.close()
    for engine in engines:
        await engine.dispose()


def _call_async(
    runner: asyncio.Runner, connection: AsyncConnection, function: Callable[..., Any], *arguments: Any
) -> Any:
    async def call() -> Any:
        return await connection.run_sync(function, *arguments)

    return runner.run(call())


STATEMENTS = [each for each in CATALOGUE if not each.declares and each.possible]


@pytest.mark.parametrize("shape", STATEMENTS, ids=lambda shape: shape.code[:90])
def test_a_shape_works_or_is_refused(run: Run, shape: Shape) -> None:
    """With the twin's result and the twin's rows, or with one error and nothing sent."""
    models, ours, plain = run
    wrong = check(shape, models, ours(shape), lambda: plain(shape))
    assert not wrong, f"{shape.code}\n" + "\n".join(wrong)


def test_plaintext_in_the_log_is_heard(run: Run) -> None:
    """By the same ears: the twin's."""
    _, _, plain = run
    shape = next(shape for shape in STATEMENTS if shape.code.startswith("s.add(P(name=C, ssn=C"))
    assert plain(shape).leaked.startswith("in the log: ")


def test_tiers_change_no_shape(module_database: Database) -> None:
    """A part of what `python -m tests.statements.tiered` runs."""
    assert tiered.run(module_database.url(), STATEMENTS[::50]) == []


@pytest.mark.parametrize("shape", [each for each in CATALOGUE if each.declares], ids=lambda s: s.code[:90])
def test_a_declaration_is_taken_or_refused(shape: Shape) -> None:
    """When the table is declared, long before any statement."""
    if shape.error is None:
        assert shape.run(ENCRYPTED, None, lambda: None)  # type: ignore[arg-type]
        return
    with pytest.raises(shape.error, match=r"declared\.|nodot|context|accept"):
        shape.run(ENCRYPTED, None, lambda: None)  # type: ignore[arg-type]


def test_no_shape_stands_twice() -> None:
    """The figures count each once."""
    codes = [(shape.code, shape.error) for shape in CATALOGUE]
    assert len(codes) == len(set(codes))
