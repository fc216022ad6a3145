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


def open_session(database: Database, purpose: str, lock_timeout: float) -> "psycopg.Connection[Any]":
    """A connection in autocommit mode. `lock_timeout`: seconds that a statement waits for a lock."""
    connection = database.connect(purpose)
    try:
        settle(connection, {**EXACT, **BY_KEY, "lock_timeout": f"{int(lock_timeout * 1000)}ms"})
    except BaseException:
        connection.close()
        raise
    return connection


def settle(connection: "psycopg.Connection[Any]", settings: Mapping[str, str]) -> None:
    """Sets each for the session, in one statement."""
    each = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    connection.execute(f"SELECT {each}".encode(), [text for pair in settings.items() for text in pair])
