"""Every shape of the catalogue, on each driver: it works as on plain columns, or it is refused."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from sqlalchemy_envelope import attach

from .fixtures.postgresql import Database
from .statements import sections  # noqa: F401
from .statements.catalogue import CATALOGUE, Shape
from .statements.harness import ENVELOPE, Outcome, attempt, check, prepare
from .statements.models import ENCRYPTED, PLAIN, Models

DRIVERS = ("psycopg", "psycopg_async", "asyncpg")
Attempt = Callable[[Models, Shape], Outcome]

pytestmark = pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian", "ignore:.*deprecated")


@pytest.fixture(scope="module", params=DRIVERS)
def run(request: pytest.FixtureRequest, module_database: Database) -> Iterator[Attempt]:
    """Runs a shape on one driver; both sets of tables are there, with their rows."""
    opened = _sync(module_database) if request.param == "psycopg" else _async(module_database, request.param)
    yield from opened


def _sync(database: Database) -> Iterator[Attempt]:
    engine = attach(sa.create_engine(database.url("psycopg")), ENVELOPE)
    with engine.connect() as connection:
        for models in (ENCRYPTED, PLAIN):
            prepare(connection, models)
        yield lambda models, shape: attempt(connection, models, shape)
    engine.dispose()


def _async(database: Database, driver: str) -> Iterator[Attempt]:
    engine = attach(create_async_engine(database.url(driver)), ENVELOPE)
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(engine.connect().start())

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        return loop.run_until_complete(connection.run_sync(function, *arguments))

    yield lambda models, shape: call(attempt, models, shape)
    loop.run_until_complete(connection.close())
    loop.run_until_complete(engine.dispose())
    loop.close()


STATEMENTS = [each for each in CATALOGUE if not each.declares and each.possible]


@pytest.mark.parametrize("shape", STATEMENTS, ids=lambda shape: shape.code[:90])
def test_a_shape_works_or_is_refused(run: Attempt, shape: Shape) -> None:
    """With the twin's result and the twin's rows, or with one error and nothing sent."""
    wrong = check(shape, run(ENCRYPTED, shape), lambda: run(PLAIN, shape))
    assert not wrong, f"{shape.code}\n" + "\n".join(wrong)


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
