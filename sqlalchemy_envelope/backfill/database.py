"""Where the tables are, and connections of our own to them, apart from the application's."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from ..errors import ConfigurationError

_OWN = {
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "datestyle": "ISO, MDY",
}
"""What a role or a database may have set for an application, and our work needs otherwise: counting takes its
time, a session that holds a job waits, compare-and-set looks at what others committed meanwhile, and the
driver reads ISO dates only."""

_SET = (
    "SELECT pg_catalog.set_config(own.name, own.value, false) FROM (VALUES ("
    + "), (".join(f"'{name}', '{value}'" for name, value in _OWN.items())
    + ")) AS own (name, value) WHERE pg_catalog.current_setting(own.name, true) IS NOT NULL"
)
"""Some are not known to older servers."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL by its URL. Goes to other processes as it is; its `repr` shows no password."""

    url: str = field(repr=False)

    @classmethod
    def of(cls, source: Any) -> "Database":
        """The database of a URL, an `Engine`, an `AsyncEngine`, a `Connection`, or of a `Database`."""
        if isinstance(source, Database):
            return source
        url = getattr(getattr(source, "engine", source), "url", source)
        if not isinstance(url, str | URL):
            raise ConfigurationError(f"a database is a URL or an engine, not {type(source).__name__}")
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise ConfigurationError(f"a backfill needs PostgreSQL, not {parsed.get_backend_name()}")
        return cls(parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))

    def connect(self, purpose: str) -> "psycopg.Connection[Any]":
        """A connection in autocommit mode, told apart in `pg_stat_activity` by its `purpose`."""
        arguments, options = PGDialect_psycopg().create_connect_args(make_url(self.url))
        options["application_name"] = f"sqlalchemy-envelope {purpose}"
        options["client_encoding"] = "UTF8"
        connection = psycopg.connect(*arguments, **options, autocommit=True)
        try:
            connection.execute(_SET.encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def __str__(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)
