"""The PostgreSQL that suites run on: a scratch schema on the given server, or on one of our own."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from demo.server import embedded_postgresql, scratch_schema
from sqlalchemy_envelope.backfill.postgres.database import Database

Place = tuple[sa.URL, dict[str, Any]]
"""A server and what to connect with."""


class Ground:
    """Started when it is first needed. `given`: the URL of a server; None: one is started here."""

    def __init__(self, given: str | None, stack: ExitStack) -> None:
        self.given, self._stack = given, stack

    @cached_property
    def url(self) -> sa.URL:
        """Where the server is."""
        if self.given:
            return sa.make_url(self.given)
        return self._stack.enter_context(embedded_postgresql())[0]

    @cached_property
    def schema(self) -> str:
        """Where tables are made."""
        return self._stack.enter_context(scratch_schema(self.url))

    def place(self, driver: str) -> Place:
        """By driver: `psycopg`, `psycopg_async` or `asyncpg`."""
        url = self.url.set(drivername=f"postgresql+{driver}")
        if driver == "asyncpg":
            return url, {"server_settings": {"search_path": self.schema}}
        return url, {"options": f"-csearch_path={self.schema}"}

    def engine(self) -> sa.Engine:
        """A new one, to attach to."""
        url, arguments = self.place("psycopg")
        engine = sa.create_engine(url, connect_args=arguments)
        self._stack.callback(engine.dispose)
        return engine

    def async_engine(self, driver: str) -> AsyncEngine:
        """A new one; its connections live as long as the event loop that they are opened in."""
        url, arguments = self.place(driver)
        return create_async_engine(url, connect_args=arguments)

    @cached_property
    def facts(self) -> dict[str, str]:
        """What is to be said of the server."""
        engine = self.engine()
        with engine.connect() as connection:
            version = connection.scalar(sa.text("SHOW server_version"))
        return {"postgresql": f"{version} ({'given' if self.given else 'embedded, files in memory'})"}

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A database dropped afterwards: jobs and key stores keep their records in a schema of one name."""
        name = f"envelope_benchmark_{time.time_ns()}"
        with closing(Database.of(self.url).connect("benchmark")) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
            try:
                yield Database.of(self.url.set(database=name))
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
