"""`--sql` mode: what an operation does without keys, as SQL that may run twice; a comment on what needs them.

Nothing is read here, so names are those that the operation's arguments say, not those of a record. What only
the database can know, the script asks it: a refusal is raised by the script itself.
"""

from collections.abc import Callable
from typing import Any

from alembic.runtime.migration import MigrationContext

from ..backfill.ddl import ddl
from ..backfill.ddl.assertion import assert_encrypted, where_authority
from ..backfill.ddl.comments import carry
from ..backfill.ddl.trigger import create_trigger, drop_trigger
from ..backfill.moving.indexing import planned
from ..backfill.postgres.quoting import block
from ..backfill.record import schema
from ..backfill.record.jobs import record_job_sql
from ..backfill.record.moves import begin_sql
from ..backfill.subject.move import Move
from . import steps
from .indexing_script import added
from .operation import MoveOperation
from .operations import DecryptColumnOp, EncryptColumnOp

Lines = list[str]


def write(context: MigrationContext, operation: MoveOperation, move: Move) -> None:
    """Puts an operation's SQL out, outside Alembic's transaction: each statement commits by itself."""
    with context.autocommit_block():
        context.impl.static_output(f"-- {operation.name} {move.schema}.{move.place}")
        for line in SCRIPTS[type(operation)](move, operation):
            context.impl.static_output(line if line.startswith("--") else f"{line};")


def _pair(move: Move, operation: MoveOperation) -> Lines:
    return [*schema.STATEMENTS, begin_sql(move), *where_authority(move, "plaintext", ddl.add_pair(move))]


def _trigger(move: Move, operation: MoveOperation) -> Lines:
    return where_authority(move, "plaintext", create_trigger(move.handed_back())) + where_authority(
        move, "pair", create_trigger(move.handed_over())
    )


def _encrypt(move: Move, operation: EncryptColumnOp) -> Lines:
    rest = ["op.swap_encrypted"] if move.in_place or not operation.keep_plaintext else []
    rest += [] if operation.keep_plaintext else ["op.drop_plaintext"]
    after = [f"-- after that: {', '.join(rest)} (online, or in a script of their own)"] if rest else []
    return [
        *_pair(move, operation),
        *(line for fill in planned(move, operation.index) for line in added(fill)),
        *where_authority(
            move, "plaintext", [*create_trigger(move), record_job_sql(move, "encrypt", operation.source)]
        ),
        _command("backfill", move),
        *after,
    ]


def _backfill(move: Move, operation: MoveOperation) -> Lines:
    return [record_job_sql(move, "encrypt"), _command("backfill", move)]


def _swap(move: Move, operation: MoveOperation) -> Lines:
    return [*assert_encrypted(move), *ddl.swap(move), *carry(move)]


def _unswap(move: Move, operation: MoveOperation) -> Lines:
    return [*carry(move), *ddl.unswap(move)]


def _null(move: Move, operation: MoveOperation) -> Lines:
    """In place the names must have been swapped; else this is where the pair becomes the truth."""
    given = [block(*ddl.refuse_before_swap(move))] if move.in_place else ddl.swap(move)
    return [*assert_encrypted(move), *given, record_job_sql(move, "null"), _command("backfill", move)]


def _drop(move: Move, operation: MoveOperation) -> Lines:
    return [*assert_encrypted(move), *ddl.drop_plaintext(move)]


def _restore(move: Move, operation: MoveOperation) -> Lines:
    given = move.handed_over()
    back = [*create_trigger(given), record_job_sql(given, "decrypt")]
    return [*ddl.add_plaintext(given), *where_authority(move, "pair", back), _command("backfill", move)]


def _decrypt(move: Move, operation: DecryptColumnOp) -> Lines:
    """All of it where the plaintext is still the truth; else what comes before the values are back."""
    return [
        *_restore(move, operation),
        "-- after that, online: op.decrypt_column, which ends the move",
        *where_authority(move, "plaintext", ddl.drop_pair(move)),
    ]


def _command(name: str, move: Move) -> str:
    return f"-- needs keys, or batches: sqlalchemy-envelope {name} {move.place}"


SCRIPTS: dict[type[MoveOperation], Callable[[Move, Any], Lines]] = {
    EncryptColumnOp: _encrypt,
    DecryptColumnOp: _decrypt,
    steps.AddEncryptedPairOp: _pair,
    steps.DropEncryptedPairOp: lambda move, _: ddl.drop_pair(move),
    steps.CreateInvalidateTriggerOp: _trigger,
    steps.DropInvalidateTriggerOp: lambda move, _: drop_trigger(move),
    steps.BackfillColumnOp: _backfill,
    steps.AssertEncryptedOp: lambda move, _: assert_encrypted(move),
    steps.SwapEncryptedOp: _swap,
    steps.UnswapEncryptedOp: _unswap,
    steps.NullPlaintextOp: _null,
    steps.RestorePlaintextOp: _restore,
    steps.DropPlaintextOp: _drop,
}
