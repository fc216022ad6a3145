"""Stepping outside Alembic's transaction, where connections of our own can do what commits by itself.

Our connections can't wait for locks that Alembic's own transaction holds: PostgreSQL sees no cycle there, and
both would wait for ever. So what Alembic did before an operation is committed first, and where its state
makes that impossible, one error says so before anything happens.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from ..backfill.postgres.database import Database
from ..errors import ConfigurationError

_BEGIN = "with context.begin_transaction():\n        context.run_migrations()"
_FRESH = "give context.configure(connection=...) a connection on which nothing has been executed yet"


@contextmanager
def outside(context: MigrationContext) -> Iterator[Database]:
    """The database, for the time of a block, with no transaction of Alembic's open.

    `context.configure(envelope_database=...)` names it where a URL doesn't say how to connect: with
    `creator=`, `connect_args=` or a pooler in between.
    """
    given = context.opts.get("envelope_database")
    database = Database.of(given if given is not None else context.connection)
    with context.autocommit_block():
        yield database


def refuse_impossible(context: MigrationContext, what: str) -> None:
    """Raises `ConfigurationError` where an operation can't run on a context as it stands. `what` names it."""
    if context.dialect.name != "postgresql":
        raise ConfigurationError(f"{what} needs PostgreSQL, not {context.dialect.name}")
    if context.as_sql:
        return
    connection = context.connection
    if connection is None:
        raise ConfigurationError(f"{what} needs a connection: give context.configure(connection=...) one")
    if context._in_external_transaction:
        raise _impossible(what, "a transaction was open before context.configure()", _FRESH)
    if _is_open(connection) and context._transaction is None:
        raise _impossible(what, "env.py opened no transaction of Alembic's", f"in env.py say\n    {_BEGIN}")


def _is_open(connection: Connection) -> bool:
    return connection.in_transaction() or connection.in_nested_transaction()


def _impossible(what: str, why: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} commits in batches on connections of its own, which can't be while {why}; {remedy}"
    )
