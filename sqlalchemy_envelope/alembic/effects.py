"""What the operations do, online: each on connections of its own, outside Alembic's transaction."""

from collections.abc import Callable
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ..backfill.moving import stages, whole
from ..backfill.postgres.database import Database
from ..backfill.subject.move import Move
from ..envelope import Envelope
from ..errors import ConfigurationError
from . import steps
from .operation import MoveOperation
from .operations import DecryptColumnOp, EncryptColumnOp
from .outside import outside, refuse_impossible
from .script import write

Keys = Callable[[], Envelope]
Effect = Callable[[Database, Move, Keys, Any], None]


@Operations.implementation_for(MoveOperation)
def perform(operations: Operations, operation: MoveOperation) -> None:
    """Do it, or in `--sql` mode write down what needs no keys and say what does."""
    context = operations.migration_context
    refuse_impossible(context, f"op.{operation.name}")
    if context.as_sql:
        write(context, operation, operation.plan("public"))
        return
    move = operation.plan(context.dialect.default_schema_name or "public")
    with outside(context) as database:
        EFFECTS[type(operation)](database, move, keys(context), operation)


def keys(context: MigrationContext) -> Keys:
    """Where keys come from: `context.configure(envelope=...)`, else the environment.

    An `Envelope`, or a function that makes one: asked only by a step that needs keys.
    """
    given = context.opts.get("envelope")
    if given is None:
        return Envelope.from_env
    if isinstance(given, Envelope):
        return lambda: given
    if not callable(given):
        raise ConfigurationError(
            "context.configure(envelope=...) takes an Envelope, or a function that makes one"
        )
    return given  # type: ignore[no-any-return]


def _encrypt(database: Database, move: Move, keys: Keys, operation: EncryptColumnOp) -> None:
    if operation.run == "later":
        whole.begin(database, move, source=operation.source, indexes=operation.index)
        return
    kept = operation.keep_plaintext
    said: dict[str, Any] = {"source": operation.source, "keep_plaintext": kept, "indexes": operation.index}
    whole.encrypt_column(database, move, keys, **said)


def _decrypt(database: Database, move: Move, keys: Keys, operation: DecryptColumnOp) -> None:
    whole.decrypt_column(database, move, keys, sql_type=operation.sql_type)


def _without_keys(step: Callable[[Database, Move], None]) -> Effect:
    return lambda database, move, _, __: step(database, move)


def _with_keys(step: Callable[[Database, Move, Keys], None]) -> Effect:
    return lambda database, move, keys, _: step(database, move, keys)


EFFECTS: dict[type[MoveOperation], Effect] = {
    EncryptColumnOp: _encrypt,
    DecryptColumnOp: _decrypt,
    steps.AddEncryptedPairOp: _without_keys(stages.add_pair),
    steps.DropEncryptedPairOp: _without_keys(stages.drop_pair),
    steps.CreateInvalidateTriggerOp: _without_keys(stages.add_trigger),
    steps.DropInvalidateTriggerOp: _without_keys(stages.remove_trigger),
    steps.BackfillColumnOp: _with_keys(stages.backfill),
    steps.AssertEncryptedOp: _without_keys(stages.assert_encrypted),
    steps.SwapEncryptedOp: _with_keys(stages.swap),
    steps.UnswapEncryptedOp: _with_keys(stages.unswap),
    steps.NullPlaintextOp: _without_keys(stages.null_plaintext),
    steps.RestorePlaintextOp: _with_keys(stages.restore_plaintext),
    steps.DropPlaintextOp: _without_keys(stages.drop_plaintext),
}
