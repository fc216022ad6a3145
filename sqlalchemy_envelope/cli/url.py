"""The database that the user names: by any of SQLAlchemy's PostgreSQL URLs, whatever the driver in it."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..backfill.database import Database
from ..errors import ConfigurationError

VARIABLE = "DATABASE_URL"
HINT = "postgresql://user:password@host/database"
OTHERS_WORDS = {"ssl": "sslmode"}
"""What asyncpg calls otherwise than libpq."""

KNOWN_TO_OTHERS = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback")
"""What SQLAlchemy's other drivers take from a URL and libpq does not know."""


def database_of(given: str | None) -> Database:
    """The database of a URL. Raises `ConfigurationError`, which does not repeat what was given."""
    if not given:
        raise ConfigurationError(f"which database? give --url or {VARIABLE}: {HINT}")
    try:
        url = make_url(given.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"that is not a database's URL: {HINT}") from None
    if "@" in (url.host or ""):
        raise ConfigurationError("the URL has an @ in its password: write it as %40")
    return Database.of(_for_libpq(url))


def _for_libpq(url: URL) -> URL:
    query = {OTHERS_WORDS.get(name, name): value for name, value in url.query.items()}
    return url.set(query={name: value for name, value in query.items() if name not in KNOWN_TO_OTHERS})
