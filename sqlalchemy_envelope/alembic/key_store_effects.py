"""What the operations on the tables of keys do: in Alembic's own transaction, or as a script in `--sql` mode.

Plain DDL: unlike a column's move it needs no connection of its own, no keys and no batches.
"""

from collections import Counter

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from .. import wire
from ..backfill.postgres.quoting import identifier
from ..errors import BackfillError, ConfigurationError
from ..keystore import schema
from ..keystore.guards import guards
from ..keystore.index_usage import index_usage
from ..keystore.usage import usage
from .key_store import CreateKeyStoreOp, DropKeyStoreOp, KeyStoreOperation
from .key_store_script import REFUSAL, REMEDY, REMOVAL, SNAPSHOT


@Operations.implementation_for(KeyStoreOperation)
def perform_on_key_store(operations: Operations, operation: KeyStoreOperation) -> None:
    """Do it, or in `--sql` mode write it down."""
    context = operations.migration_context
    if context.dialect.name != "postgresql":
        raise ConfigurationError(f"op.{operation.name} needs PostgreSQL, not {context.dialect.name}")
    if context.as_sql:
        for statement in SCRIPTS[type(operation)]:
            context.impl.static_output(f"{statement};")
        return
    EFFECTS[type(operation)](_connection(context, operation))


def _connection(context: MigrationContext, operation: KeyStoreOperation) -> Connection:
    if context.connection is None:
        raise ConfigurationError(f"op.{operation.name} needs a connection: context.configure(connection=...)")
    return context.connection


def _remove(connection: Connection) -> None:
    """The tables, unless values are under their keys: counted under locks, so that none is added."""
    if connection.exec_driver_sql("SELECT to_regclass('envelope.key')").scalar() is None:
        return
    if connection.exec_driver_sql("SHOW transaction_isolation").scalar() != "read committed":
        raise ConfigurationError(SNAPSHOT)
    for schema_name, table in sorted({(each.schema, each.table) for each in guards(connection)}):
        locked = f"LOCK TABLE {identifier(schema_name)}.{identifier(table)} IN SHARE MODE"
        connection.exec_driver_sql(locked, execution_options={"no_parameters": True})
    connection.exec_driver_sql("LOCK TABLE envelope.key IN ACCESS EXCLUSIVE MODE")
    held = _held(connection)
    if held:
        raise BackfillError(f"{REFUSAL}: {', '.join(held)}; {REMEDY}")
    connection.exec_driver_sql("DROP TABLE envelope.key")
    if not connection.exec_driver_sql("SELECT EXISTS (SELECT FROM envelope.key_receipt)").scalar():
        connection.exec_driver_sql("DROP TABLE envelope.key_receipt")
    connection.exec_driver_sql("DELETE FROM envelope.component WHERE name = 'keys'")


def _held(connection: Connection) -> list[str]:
    """Each column that has values under the table's keys, and how many."""
    rows: Counter[str] = Counter()
    for use in usage(connection):
        if use.wrap is wire.Wrap.KEK:
            rows[use.place] += use.rows
    for indexed in index_usage(connection):
        rows[indexed.place] += indexed.rows
    return [f"{place}: {number}" for place, number in sorted(rows.items())]


EFFECTS = {CreateKeyStoreOp: schema.install, DropKeyStoreOp: _remove}
SCRIPTS = {CreateKeyStoreOp: schema.STATEMENTS, DropKeyStoreOp: (REMOVAL,)}
