"""Transactions that may yet commit a value under a key that was taken back before: a count can't see it."""

from sqlalchemy import Connection, text

from ..errors import ConfigurationError

_WRITERS = text("""
SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
    AND xact_start < clock_timestamp() - make_interval(secs => CAST(:seconds AS float8)))
+ (SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database())""")
"""Of prepared ones nobody knows when they wrote."""

_HIDDEN = text("""
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query = '<insufficient privilege>'""")


def older_writers(connection: Connection, seconds: float) -> bool:
    """Whether a transaction that began more than `seconds` ago has written and not ended, or is prepared.

    Raises `ConfigurationError` where the role does not see what others' transactions do.
    """
    if connection.execute(_HIDDEN).scalar():
        raise ConfigurationError("this role does not see others' transactions: grant it pg_read_all_stats")
    return bool(connection.execute(_WRITERS, {"seconds": seconds}).scalar())
