"""What the operations on the tables of keys do: in Alembic's own transaction, or as a script in `--sql` mode.

Plain DDL: unlike a column's move it needs no connection of its own, no keys and no batches.
"""

from collections import Counter

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from .. import wire
from ..backfill.postgres.quoting import literal
from ..errors import BackfillError, ConfigurationError
from ..keystore import schema
from ..keystore.index_usage import index_usage
from ..keystore.usage import usage
from .key_store import CreateKeyStoreOp, DropKeyStoreOp, KeyStoreOperation

UNDER_A_KEY = f"'\\x{bytes((wire.KEY_MAGIC, wire.VERSION, wire.Wrap.KEK)).hex()}'"
"""How the sibling of a value begins whose data key is wrapped by a key of the table."""

SIBLINGS = rf"""
SELECT k.conrelid::regclass::text,
    substring(pg_get_constraintdef(k.oid) from '("(?:[^"]|"")*"|\w+) ~~ ''\\x{
    bytes((wire.KEY_MAGIC, wire.VERSION)).hex()
}')
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'c' AND k.coninhcount = 0 AND position('''\x{
    bytes((wire.CONTENT_MAGIC, wire.VERSION)).hex()
}' IN pg_get_constraintdef(k.oid)) > 0
AND position('''\x{bytes((wire.KEY_MAGIC, wire.VERSION)).hex()}' IN pg_get_constraintdef(k.oid)) > 0
ORDER BY 1, 2"""
"""Each table with an encrypted column, and that column's sibling, both quoted; found by their guards, which a
session tells in hex that has `bytea_output` so."""

REFUSAL = "the keys can't be dropped: values are under them, and would never open again"
REMEDY = "move them from under the keys first (docs/rotation.md)"

_REMOVAL = f"""DO $envelope$
DECLARE
    sibling record;
    found bigint;
    held text := '';
BEGIN
    IF to_regclass('envelope.key') IS NULL THEN
        RETURN;
    END IF;
    LOCK TABLE envelope.key IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_catalog.set_config('bytea_output', 'hex', true);
    FOR sibling IN SELECT * FROM ({SIBLINGS.strip()}) AS siblings (relation, name) LOOP
        EXECUTE format('SELECT count(*) FROM %s WHERE substr(%s, 1, 3) = %L::bytea',
            sibling.relation, sibling.name, {UNDER_A_KEY}) INTO found;
        IF found > 0 THEN
            held := concat(held, ' ', sibling.relation, '.', sibling.name, ': ', found);
        END IF;
    END LOOP;
    IF held <> '' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {literal(REFUSAL + ":")} || held, HINT = {literal(REMEDY)};
    END IF;
    DROP TABLE envelope.key;
    IF NOT EXISTS (SELECT FROM envelope.key_receipt) THEN
        DROP TABLE envelope.key_receipt;
    END IF;
    DELETE FROM envelope.component WHERE name = 'keys';
END
$envelope$"""


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
    """The tables, unless values are under their keys: counted under a lock, so that no new key is made."""
    if connection.exec_driver_sql("SELECT to_regclass('envelope.key')").scalar() is None:
        return
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
SCRIPTS = {CreateKeyStoreOp: schema.STATEMENTS, DropKeyStoreOp: (_REMOVAL,)}
