"""The steps that a move is made of, forth and back. Each finds out where the move stands, and may run again.

Values are only ever lost by `drop_plaintext` and `drop_pair`, which look first.
"""

from contextlib import suppress
from typing import Any, Never

from ...envelope import Envelope
from ...errors import BackfillError, ConfigurationError
from ..ddl import ddl
from ..ddl.comments import carry
from ..ddl.trigger import create_trigger, drop_trigger
from ..job.performing import Keys, UnendingError, work
from ..postgres.apply import apply
from ..postgres.database import Database
from ..record.jobs import Job
from ..record.moves import FORGET_RANGES, RecordedMove, begin_sql, mark_verified
from ..subject.move import Move
from .beginning import refuse_impossible
from .handover import change_hands
from .indexing import drop_indexes_of
from .standing import Standing, installed, look, look_for

ROUNDS = 3
"""How often rows that were written meanwhile are filled in before a backfill gives up."""


def add_pair(database: Database, move: Move) -> None:
    """The pair's columns with their guard, and the record of the move; refused before for what can't move."""
    refuse_impossible(database, move)
    installed(database)
    standing = look_for(database, move)
    if standing is not None and standing.has_pair:
        _refuse_other(standing.move, move)
    else:
        with database.asked("move") as connection:
            connection.execute(begin_sql(move).encode())
            connection.execute(FORGET_RANGES, [move.schema, move.table, move.column])
    if not look(database, move).given:
        apply(database, ddl.add_pair(move))


def add_trigger(database: Database, move: Move) -> None:
    """The trigger of whichever is the truth; none where one of the two is gone."""
    standing = look(database, move)
    if standing.has_pair and standing.has_plaintext:
        apply(database, create_trigger(standing.move))


def remove_trigger(database: Database, move: Move) -> None:
    """No trigger: every writer writes both, or only what is the truth."""
    apply(database, drop_trigger(look(database, move).move))


def backfill(
    database: Database, move: Move, envelope: Keys = Envelope.from_env, *, source: Any = None, **running: Any
) -> None:
    """Seals what is pending, then opens and compares every pair. Needs keys only if there is something."""
    for remaining in reversed(range(ROUNDS)):
        standing = look(database, move)
        if standing.given or (standing.verified and not standing.pending):
            return
        if standing.pending:
            done = work(database, standing.recorded, "encrypt", envelope, source, **running)
            _refuse_left(done, move, look(database, move).pending, "encrypted")
        try:
            _verify(database, standing.recorded, envelope, source, **running)
        except BackfillError:
            if not remaining or not look(database, move).pending:
                raise  # no writer of an older version set rows back meanwhile: they are wrong


def assert_encrypted(database: Database, move: Move) -> None:
    """Raises `BackfillError` where rows are pending, or nothing was verified."""
    standing = look(database, move)
    if standing.pending:
        raise BackfillError(
            f"{move.place}: {standing.pending} rows are not encrypted; run: sqlalchemy-envelope backfill "
            f"{move.place}"
        )
    _refuse_unverified(standing)


def swap(
    database: Database,
    move: Move,
    envelope: Keys = Envelope.from_env,
    *,
    source: Any = None,
    verified: bool = True,
    **running: Any,
) -> None:
    """Makes the pair the truth. From its beginning on, writers that know only the plaintext are refused.

    Rows that they wrote just before are sealed, which needs keys. `verified`: refuse a move that isn't yet;
    else it is verified now.
    """
    standing = look(database, move)
    if standing.given:
        return
    if verified:
        _refuse_unverified(standing)

    def fill() -> None:
        backfill(database, move, envelope, source=source, **running)

    change_hands(standing, [*ddl.swap(standing.move), *carry(standing.move)], fill)


def unswap(database: Database, move: Move, envelope: Keys = Envelope.from_env, **running: Any) -> None:
    """Makes the plaintext the truth again. Rows that lack it are filled in, which needs keys.

    When most is done, writers that know only the pair are refused.
    """
    standing = look(database, move)
    if not standing.given:
        return

    def fill() -> None:
        _fill_plaintext(database, move, envelope, **running)

    restore_plaintext(database, move, envelope, **running)
    change_hands(standing, [*carry(standing.move), *ddl.unswap(standing.move)], fill)


def restore_plaintext(
    database: Database, move: Move, envelope: Keys = Envelope.from_env, **running: Any
) -> None:
    """The plaintext column back, with its values, while the pair stays the truth.

    What writers that know only the pair write meanwhile is filled in by `unswap`.
    """
    standing = look(database, move)
    if not standing.given:
        return
    if not standing.has_plaintext:
        apply(database, ddl.add_plaintext(standing.move))
    add_trigger(database, move)
    with suppress(UnendingError):
        _fill_plaintext(database, move, envelope, **running)


def null_plaintext(database: Database, move: Move, **running: Any) -> None:
    """NULL for every plaintext whose pair is there, in batches, once the pair is the truth. Needs no keys.

    Where the names are not swapped but stay, this makes the pair the truth.
    """
    _refuse_unproven(database, move)
    _null_out(look(database, move), **running)


def drop_plaintext(database: Database, move: Move, **running: Any) -> None:
    """The plaintext column goes, after its values. What lingers in the files is for `purge`."""
    _refuse_unproven(database, move)
    standing = look(database, move)
    if standing.has_plaintext:
        _null_out(standing, **running)
        apply(database, ddl.drop_plaintext(standing.move))


def drop_pair(database: Database, move: Move) -> None:
    """The pair goes, and the move is as if it had never begun. Refused where the pair is the truth."""
    standing = look(database, move)
    if standing.sealed:
        raise BackfillError(
            f"{move.place}: {standing.sealed} values are in the pair alone: op.decrypt_column instead"
        )
    before = standing.move.handed_back()
    drop_indexes_of(database, before.schema, before.table, before.content)
    apply(database, ddl.drop_pair(standing.move))


def _verify(database: Database, recorded: RecordedMove, envelope: Keys, source: Any, **running: Any) -> None:
    if look(database, recorded.move).has_pairs:
        work(database, recorded, "verify", envelope, source, **running)
        return
    with database.asked("verify") as connection:
        mark_verified(connection, recorded.id)


def _null_out(standing: Standing, **running: Any) -> None:
    if standing.has_values:
        done = work(standing.database, standing.recorded, "null", _no_keys, None, **running)
        _refuse_left(done, standing.move, done.rows_quarantined, "set to NULL")


def _fill_plaintext(database: Database, move: Move, envelope: Keys, **running: Any) -> None:
    standing = look(database, move)
    if standing.sealed:
        done = work(database, standing.recorded, "decrypt", envelope, None, **running)
        _refuse_left(done, move, look(database, move).sealed, "decrypted")


def _refuse_left(done: Job, move: Move, left: int, what: str) -> None:
    """A job is done when it did what could be done: the rest is in quarantine."""
    if left and done.rows_quarantined:
        raise BackfillError(
            f"{move.place}: {done.rows_quarantined:,} rows can't be {what} and are in quarantine; the causes:"
            f" sqlalchemy-envelope jobs {done.id}; their keys: envelope.job_row. See to them, run this again"
        )


def _refuse_unverified(standing: Standing) -> None:
    place = standing.move.place
    if not standing.has_pair:
        raise ConfigurationError(f"{place} has no pair; add it first: op.add_encrypted_pair")
    if not standing.verified:
        raise BackfillError(
            f"{place} is not verified as encrypted; run: sqlalchemy-envelope backfill {place}"
        )


def _refuse_unproven(database: Database, move: Move) -> None:
    """What takes plaintext away needs a verified move, nothing pending, and the truth in the pair."""
    assert_encrypted(database, move)
    standing = look(database, move)
    if standing.given:
        return
    if standing.move.in_place:
        raise ConfigurationError(f"{move.place}: the plaintext still has its name; op.swap_encrypted first")
    swap(database, move, _no_keys)


def _refuse_other(recorded: Move, planned: Move) -> None:
    """A move goes on as it was begun."""
    begun = recorded.handed_back()
    for name in ("content", "dek", "lasting_dek", "context", "type"):
        if getattr(begun, name) != getattr(planned, name):
            raise ConfigurationError(
                f"{planned.place}: its move was begun with another {name}, {getattr(begun, name)}; "
                "go on with that, or go back first (op.decrypt_column)"
            )


def _no_keys() -> Never:
    raise BackfillError("rows became pending meanwhile; run the backfill again")
