"""Gets plaintext that no query shows any more out of the database's own files, and says where it can't.

Setting a column to NULL, or dropping it, leaves its bytes in old row versions, in indexes and TOAST, in the
planner's statistics and in the WAL. Each step says what it did, what it needs, or what no one can do from
here. See docs/purge.md. No value is read or printed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from ...errors import BackfillError
from ..postgres.apply import apply_alone
from ..postgres.database import Database
from ..postgres.quoting import has_columns, identifier, relation
from ..subject.move import Move
from .horizon import Horizon
from .remnants import copies
from .rewrite import rewrite
from .statistics import forget
from .step import Outcome, PurgeStep
from .turnover import turn_over

CATALOGS = ("pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data")


def purge(
    database: Database, move: Move, *, rewriting: bool = True, patience: float = 60.0
) -> Iterator[PurgeStep]:
    """Runs the steps in order, and gives each with its outcome when it is over.

    `rewriting`: VACUUM FULL, which keeps everybody from the table while it copies it; without it the steps
    that need it say so. `patience`: seconds to wait for locks and for old transactions. Raises
    `BackfillError` while the plaintext column still holds a value.
    """
    with database.connect("purge") as connection:
        _refuse_while_it_holds_values(connection, move)
        yield _tried("statistics", lambda: forget(connection, move))
        horizon = Horizon.now(connection)
        old = horizon.wait(connection, patience)
        yield old
        if rewriting and old.outcome is Outcome.DONE:
            yield from _rewrite(database, connection, move, patience)
            yield _tried("wal", lambda: turn_over(connection))
        else:
            words = "VACUUM FULL was not asked for" if not rewriting else "old transactions must end first"
            for place in ("table", "pg_statistic", "wal"):
                yield PurgeStep(place, Outcome.NEEDS, f"left as it is: {words}")
        yield from copies(connection, move)


def _rewrite(
    database: Database, connection: "psycopg.Connection[Any]", move: Move, patience: float
) -> Iterator[PurgeStep]:
    def run(statement: str) -> None:
        apply_alone(database, statement, patience=patience)

    yield _tried("table", lambda: rewrite(connection, run, "table", [relation(move)]))
    yield _tried("pg_statistic", lambda: rewrite(connection, run, "pg_statistic", CATALOGS))


def _tried(place: str, step: Callable[[], PurgeStep]) -> PurgeStep:
    """A step that fails needs what the failure says; the others go on."""
    try:
        return step()
    except BackfillError as error:
        return PurgeStep(place, Outcome.NEEDS, str(error))
    except psycopg.Error as error:
        return PurgeStep(place, Outcome.NEEDS, error.diag.message_primary or "the connection was lost")


def _refuse_while_it_holds_values(connection: "psycopg.Connection[Any]", move: Move) -> None:
    there = connection.execute(f"SELECT {has_columns(move, move.plaintext)}".encode()).fetchone()
    if not there or not there[0]:
        return
    holds = f"SELECT EXISTS (SELECT FROM {relation(move)} WHERE {identifier(move.plaintext)} IS NOT NULL)"
    found = connection.execute(holds.encode()).fetchone()
    if found and found[0]:
        raise BackfillError(
            f"{move.place}: the plaintext column {move.plaintext} still holds values: op.swap_encrypted, "
            "then op.null_plaintext or op.drop_plaintext (or the command step) come first"
        )
