"""The database by way of SQLAlchemy, as the functions of the key store take it: one transaction a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection, Engine, NullPool, create_engine

from ..errors import ConfigurationError
from .url import database_of

SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""What is told at once is of one moment."""


@contextmanager
def engine_of(url: str | None) -> Iterator[Engine]:
    """An engine on the database that the user names, for the time of a block."""
    named = {"application_name": "sqlalchemy-envelope keys"}
    engine = create_engine(database_of(url).url, poolclass=NullPool, hide_parameters=True, connect_args=named)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def writing(url: str | None) -> Iterator[Connection]:
    """A transaction that is committed where the block ends well."""
    with engine_of(url) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def reading(url: str | None) -> Iterator[Connection]:
    """A transaction that sees one moment and writes nothing."""
    with engine_of(url) as engine, engine.connect() as connection:
        yield connection.execution_options(**SNAPSHOT)


def key_of(words: str) -> UUID:
    """A key's id."""
    try:
        return UUID(words)
    except ValueError:
        pass
    raise ConfigurationError("a key is named by its id, as `sqlalchemy-envelope keys list` shows it")
