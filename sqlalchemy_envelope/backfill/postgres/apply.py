"""Statements that change a table, run so that they never make the application queue behind them for long."""

import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import psycopg

from ...errors import BackfillError
from .database import Database, words_of
from .watch import Blocker, Watch

PAUSE = 0.2
"""Seconds between two tries at least, and at most five times that."""

_LATER = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

_RACED = (
    psycopg.errors.InternalError_,  # tuple concurrently updated
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateColumn,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedColumn,
)
"""What a statement meets where another process does the same just now: the next try finds it done."""

RACES = 5
"""How often that is believed."""


def apply(
    database: Database, statements: Sequence[str], *, lock_timeout: float = 2.0, patience: float = 60.0
) -> None:
    """Runs each statement in a transaction of its own.

    While one waits for a lock, everybody behind it waits too: so it gives up after `lock_timeout` seconds,
    lets them pass and tries again, for `patience` seconds. Raises `BackfillError`: then with who holds the
    lock; else with the server's words, which for these statements hold names and no values.
    """
    with database.connect("ddl") as connection, Watch(database, connection, lock_timeout / 2) as watch:
        for statement in statements:
            _apply(connection, watch, statement, lock_timeout, patience)


def apply_alone(
    database: Database, statement: str, *, lock_timeout: float = 2.0, patience: float = 60.0
) -> None:
    """The same for one statement that runs in no transaction, as VACUUM does."""
    with database.connect("ddl") as connection, Watch(database, connection, lock_timeout / 2) as watch:
        _apply(connection, watch, statement, lock_timeout, patience, alone=True)


def _apply(
    connection: "psycopg.Connection[Any]",
    watch: Watch,
    statement: str,
    lock_timeout: float,
    patience: float,
    alone: bool = False,
) -> None:
    deadline, races = time.monotonic() + patience, 0
    while True:
        try:
            return _try(connection, watch, statement, lock_timeout, alone)
        except _LATER as error:
            if time.monotonic() > deadline:
                raise BackfillError(_who(watch.blockers, patience)) from error
        except psycopg.Error as error:
            races += isinstance(error, _RACED)
            if not isinstance(error, _RACED) or races > RACES:
                raise BackfillError(_words(error)) from error
        time.sleep(PAUSE * random.uniform(1, 5))  # noqa: S311


def _try(
    connection: "psycopg.Connection[Any]", watch: Watch, statement: str, lock_timeout: float, alone: bool
) -> None:
    local = "" if alone else "LOCAL "
    with nullcontext() if alone else connection.transaction(), watch.waiting():
        milliseconds = max(1, round(lock_timeout * 1000))
        connection.execute(f"SET {local}lock_timeout = {milliseconds}".encode())
        connection.execute(f"SET {local}statement_timeout = 0".encode())
        connection.execute(statement.encode())


def _words(error: psycopg.Error) -> str:
    """The server's; of what depends on a column, the names too."""
    words = words_of(error)
    if isinstance(error, psycopg.errors.DependentObjectsStillExist) and error.diag.message_detail:
        words += f": {error.diag.message_detail}"
    return words


def _who(blockers: Sequence[Blocker], patience: float) -> str:
    names = "; ".join(map(str, blockers)) or "a session that was gone before it could be named"
    return f"no lock to be had in {patience:g} seconds: it is held by {names}. End it, or run this again"
