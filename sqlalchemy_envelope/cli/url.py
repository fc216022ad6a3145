"""The database that the user names: by any of SQLAlchemy's PostgreSQL URLs, whatever the driver in it."""

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ..backfill.postgres.database import Database
from ..errors import ConfigurationError

VARIABLE = "DATABASE_URL"
HINT = "postgresql://user:password@host/database"


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
    return Database.of(url)
