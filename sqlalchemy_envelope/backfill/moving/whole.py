"""The whole move of a column, and the whole way back, from wherever it stands.

    encrypt_column(Database.of(engine), Move.plan("customer", "email"), lambda: envelope)

Either may be run again after it died at any point. The steps, for a big table's several deployments, are
those of `stages.py`.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

from ...blind import BlindIndex
from ...envelope import Envelope
from ..job.performing import Keys, UnendingError, job
from ..postgres.database import Database
from ..subject.move import Move
from .adoption import adopted
from .beginning import refuse_impossible
from .indexing import add_indexes, fill_index
from .stages import (
    add_pair,
    add_trigger,
    assert_encrypted,
    backfill,
    drop_pair,
    drop_plaintext,
    null_plaintext,
    remove_trigger,
    restore_plaintext,
    swap,
    unswap,
)
from .standing import look, look_for

__all__ = [
    "add_pair",
    "add_trigger",
    "assert_encrypted",
    "backfill",
    "begin",
    "decrypt_column",
    "drop_pair",
    "drop_plaintext",
    "encrypt_column",
    "null_plaintext",
    "remove_trigger",
    "restore_plaintext",
    "swap",
    "unswap",
]


def encrypt_column(
    database: Database,
    move: Move,
    envelope: Keys = Envelope.from_env,
    *,
    source: Any = None,
    keep_plaintext: bool = True,
    indexes: Sequence[BlindIndex] = (),
    **running: Any,
) -> None:
    """Moves a column from plaintext to its pair, or goes on with that.

    `running`: for `run` (workers, executor, pace, progress, stop). In place the pair has the column's name
    in the end. The plaintext is kept, current or NULL, unless `keep_plaintext=False`. `indexes`: the column's
    blind indexes, which are filled in the same batches.
    """
    full = running.get("allow_replica_identity_full", False)
    refuse_impossible(database, move, source=source is not None, allow_replica_identity_full=full)
    add_pair(database, move)
    filled = add_indexes(database, move, indexes)
    add_trigger(database, move)
    swaps = move.in_place or not keep_plaintext
    with suppress(UnendingError) if swaps else nullcontext():  # the swap refuses who made it so
        backfill(database, move, envelope, source=source, **running)
    if swaps:
        swap(database, move, envelope, source=source, verified=False, **running)
    for fill in filled:
        fill_index(database, fill, envelope, **running)
    if not keep_plaintext:
        drop_plaintext(database, move, **running)


def begin(
    database: Database, move: Move, *, source: Any = None, indexes: Sequence[BlindIndex] = ()
) -> None:
    """The part of `encrypt_column` that needs no keys: pair, trigger, and a job that `run` works off."""
    refuse_impossible(database, move, source=source is not None)
    add_pair(database, move)
    add_indexes(database, move, indexes)
    add_trigger(database, move)
    standing = look(database, move)
    if not standing.given:
        job(database, standing.recorded, "encrypt", source)


def decrypt_column(
    database: Database,
    move: Move,
    envelope: Keys = Envelope.from_env,
    *,
    sql_type: str | None = None,
    **running: Any,
) -> None:
    """Moves a column back from its pair to plaintext, from wherever its move stands, or goes on with that.

    A column that was encrypted from the start comes back as `sql_type`, `text` or `bytea` unless given.
    """
    standing = look_for(database, move) or adopted(database, move, sql_type)
    if not standing.has_pair:
        return
    if not standing.given and standing.sealed:
        swap(database, move, envelope, **running)  # values that only the pair has: it is what is true
    if look(database, move).given:
        restore_plaintext(database, move, envelope, **running)
        unswap(database, move, envelope, **running)
    drop_pair(database, move)
