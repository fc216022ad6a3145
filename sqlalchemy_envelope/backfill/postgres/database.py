"""Where the tables are, and connections of our own to them, apart from the application's."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from ...errors import BackfillError, ConfigurationError

_OWN = {
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "datestyle": "ISO, MDY",
    "bytea_output": "hex",
}
"""What a role or a database may have set for an application, and our work needs otherwise: counting takes its
time, a session that holds a job waits, compare-and-set looks at what others committed meanwhile, the
driver reads ISO dates only, and guards are known by bytes in hex."""

_SET = (
    "SELECT pg_catalog.set_config(own.name, own.value, false) FROM (VALUES ("
    + "), (".join(f"'{name}', '{value}'" for name, value in _OWN.items())
    + ")) AS own (name, value) WHERE pg_catalog.current_setting(own.name, true) IS NOT NULL"
)
"""Some are not known to older servers."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL by its URL. Goes to other processes as it is; neither `repr` nor `str` has a password."""

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
        ours = _for_libpq(parsed).set(drivername="postgresql+psycopg")
        return cls(ours.render_as_string(hide_password=False))

    @contextmanager
    def asked(self, purpose: str) -> "Iterator[psycopg.Connection[Any]]":
        """A connection for a few questions. What PostgreSQL has against them is a `BackfillError`."""
        try:
            with closing(self.connect(purpose)) as connection:
                yield connection
        except psycopg.Error as error:
            raise BackfillError(f"{words_of(error)}; see to it and run this again") from error

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
        url = make_url(self.url)
        shown = {name: value for name, value in url.query.items() if name in _SHOWN}
        return url.set(query=shown).render_as_string(hide_password=True)


def words_of(error: psycopg.Error) -> str:
    """The server's own, without the details: those may print a row."""
    return error.diag.message_primary or "the database can't be reached, or the connection was lost"


def _for_libpq(url: URL) -> URL:
    query = {_OTHERS_WORDS.get(name, name): value for name, value in url.query.items()}
    return url.set(query={name: value for name, value in query.items() if name not in _KNOWN_TO_OTHERS})


_SHOWN = ("host", "port", "dbname")
"""What is told of a URL's query: libpq takes passwords and keys there too."""

_OTHERS_WORDS = {"ssl": "sslmode"}
"""What asyncpg calls otherwise than libpq."""

_KNOWN_TO_OTHERS = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback")
"""What SQLAlchemy's other drivers take from a URL and libpq does not know."""
