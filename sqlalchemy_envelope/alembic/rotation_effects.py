"""What the operations of rotation do: online outside Alembic's transaction, or as a script in `--sql` mode.

All need keys. A script holds the record of a job, where there is one, and says what does the rest.
"""

from collections.abc import Callable
from typing import Any

from alembic.operations import Operations

from ..backfill.moving.standing import installed
from ..backfill.postgres.database import Database
from ..backfill.record import schema
from ..backfill.record.rotations import record_job, record_job_sql, record_sql
from ..backfill.subject.kind import Kind
from ..errors import BackfillError
from ..rotation import rewrap_keks, rotate, rotate_kek
from ..rotation.columns import known_of
from .effects import Keys, keys
from .outside import outside, refuse_impossible
from .rotation import (
    ColumnRotationOperation,
    ReencryptColumnOp,
    RewrapColumnOp,
    RewrapKeysOp,
    RotateKeyOp,
    RotationOperation,
)

KINDS = {RewrapColumnOp: Kind.REWRAP, ReencryptColumnOp: Kind.REENCRYPT}


@Operations.implementation_for(RotationOperation)
def perform_rotation(operations: Operations, operation: RotationOperation) -> None:
    """Do it, or in `--sql` mode write down what needs no keys and say what does."""
    context = operations.migration_context
    refuse_impossible(context, f"op.{operation.name}")
    if context.as_sql:
        with context.autocommit_block():
            for line in script_of(operation):
                context.impl.static_output(line if line.startswith("--") else f"{line};")
        return
    default = context.dialect.default_schema_name or "public"
    with outside(context) as database:
        effect = EFFECTS.get(type(operation), _rotate_column)
        effect(database, keys(context), operation, default)


def _rotate_column(
    database: Database, keys: Keys, operation: ColumnRotationOperation, default_schema: str
) -> None:
    """A revision is not over while a row is left."""
    at = operation.plan(default_schema)
    rotation = operation.plan(default_schema, **known_of(database, at.schema, at.table, at.column))
    kind = KINDS[type(operation)]
    if operation.later:
        installed(database)
        with database.asked("rotation") as connection:
            record_job(connection, rotation, kind)
        return
    report = rotate(database, keys, rotation, kind)
    if report.rows_quarantined:
        raise BackfillError(
            f"{rotation.place}: {report.rows_quarantined:,} rows are in quarantine and stay as they were; see"
            f" their causes (sqlalchemy-envelope jobs {rotation.place}), then run the revision again"
        )


def _rewrap_keys(database: Database, keys: Keys, operation: RewrapKeysOp, _: str) -> None:
    failed = rewrap_keks(database, keys().keyring).failed
    if failed:
        words = "; ".join(map(str, failed.values()))
        raise BackfillError(f"{len(failed)} key-encryption keys stay under their old key: {words}")


def _rotate_key(database: Database, keys: Keys, operation: RotateKeyOp, _: str) -> None:
    rotate_kek(database, keys().keyring, operation.options.get("tenant"))


EFFECTS: dict[type[RotationOperation], Callable[[Database, Keys, Any, str], None]] = {
    RewrapKeysOp: _rewrap_keys,
    RotateKeyOp: _rotate_key,
}


def script_of(operation: RotationOperation) -> list[str]:
    """The lines of `--sql` mode; those that are no comment are statements that may run again."""
    if isinstance(operation, ColumnRotationOperation):
        rotation, kind = operation.plan("public"), KINDS[type(operation)]
        command = f"sqlalchemy-envelope backfill {rotation.schema}.{rotation.place} --kind {kind}"
        return [
            f"-- {operation.name} {rotation.schema}.{rotation.place}",
            *schema.STATEMENTS,
            record_sql(rotation),
            record_job_sql(rotation, kind),
            f"-- needs keys, and batches: {command}",
        ]
    if isinstance(operation, RotateKeyOp):
        tenant = operation.options.get("tenant")
        whose = f"--tenant {tenant!r}" if tenant else "--no-tenant"
        return [f"-- needs keys: sqlalchemy-envelope keys rotate {whose}"]
    return ["-- needs keys: sqlalchemy-envelope keys rewrap --keks"]
