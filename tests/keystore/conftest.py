"""A database with the tables of keys, stores on it, and keys for them."""

import asyncio
import os
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from sqlalchemy_envelope.keyring.store import WrappedKek
from sqlalchemy_envelope.keystore import SqlKeyStore, install

from ..fixtures.postgresql import Database


@pytest.fixture
def keys_database(database: Database) -> Database:
    """A database with the tables."""
    engine = create_engine(database.url())
    with engine.begin() as connection:
        install(connection)
    engine.dispose()
    return database


@pytest.fixture
def keys_engine(keys_database: Database) -> Iterator[Engine]:
    """An engine on it."""
    engine = create_engine(keys_database.url())
    yield engine
    engine.dispose()


@pytest.fixture
def store(keys_engine: Engine) -> SqlKeyStore:
    """A store there."""
    return SqlKeyStore(keys_engine)


@pytest.fixture(params=["engine", "url", "psycopg", "asyncpg", "asyncpg-url"])
def any_store(request: pytest.FixtureRequest, keys_database: Database) -> Iterator[SqlKeyStore]:
    """A store by each way to make one."""
    url = keys_database.url("asyncpg" if "asyncpg" in request.param else "psycopg")
    if "url" in request.param:
        yield SqlKeyStore(url)
    elif request.param == "engine":
        engine = create_engine(url)
        yield SqlKeyStore(engine)
        engine.dispose()
    else:
        async_engine = create_async_engine(url)
        yield SqlKeyStore(async_engine)
        asyncio.run(async_engine.dispose())


def made(tenant: str | None = None, made_for: list[UUID] | None = None) -> Callable[[UUID], WrappedKek]:
    """A `make` whose wrapped key is random, and that notes what it was asked for."""

    def make(id_: UUID) -> WrappedKek:
        if made_for is not None:
            made_for.append(id_)
        return WrappedKek(id_, tenant, (os.urandom(90), os.urandom(90)), ("arn:one", "arn:two"))

    return make
