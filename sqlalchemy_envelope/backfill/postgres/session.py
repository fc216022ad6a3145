"""A connection as a job needs it: keys as text read back exactly, and plans that follow the key."""

from collections.abc import Mapping
from typing import Any

import psycopg

from .database import Database

EXACT = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
}
"""What makes `key::text` say all of a key, and its cast read the same again."""

BY_KEY = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""A batch is an index scan, and a write as many look-ups: with stale statistics the planner may choose to
read the whole table for each batch instead."""


UNLOGGED = {"log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0"}
"""Keys of rows are parameters, and so are a source's own key and what `decrypt` writes."""


def open_session(database: Database, purpose: str, lock_timeout: float) -> "psycopg.Connection[Any]":
    """A connection in autocommit mode. `lock_timeout`: seconds that a statement waits for a lock."""
    connection = database.connect(purpose)
    try:
        settings = {**EXACT, **BY_KEY, "lock_timeout": f"{int(lock_timeout * 1000)}ms"}
        settle(connection, settings | (UNLOGGED if _may_hush(connection) else {}))
    except BaseException:
        connection.close()
        raise
    return connection


def _may_hush(connection: "psycopg.Connection[Any]") -> bool:
    """Whether this role may say what is logged of its own statements: a superuser, or who was granted it."""
    asked = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    if connection.info.server_version >= 15_00_00:
        asked = "SELECT has_parameter_privilege('log_parameter_max_length', 'SET')"
    found = connection.execute(asked.encode()).fetchone()
    return bool(found and found[0])


def settle(connection: "psycopg.Connection[Any]", settings: Mapping[str, str]) -> None:
    """Sets each for the session, in one statement."""
    each = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    connection.execute(f"SELECT {each}".encode(), [text for pair in settings.items() for text in pair])
