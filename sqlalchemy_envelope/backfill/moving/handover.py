"""Handing the truth over, while writers that can't take part are refused."""

from collections.abc import Callable
from contextlib import closing, suppress

import psycopg

from ...errors import BackfillError
from ..ddl.assertion import where_authority
from ..ddl.gate import add_gate, drop_gate
from ..job.ownership import own_move
from ..postgres.apply import apply
from ..postgres.database import Database
from ..subject.move import Move
from .standing import Standing, look

MAX_ROUNDS = 3
"""How often rows are filled in before the exchange gives up."""


def change_hands(standing: Standing, statements: list[str], fill: Callable[[], None]) -> None:
    """Refuses who would make rows pending, fills in what is, and runs the exchange.

    Where that fails, nobody is refused any longer. Where a row is pending nevertheless, because a trigger
    was off, the CHECK of the gate fails. One process at a time: another's failure would let in whom this one
    refuses. Raises `JobBusyError` for the second.
    """
    database, move = standing.database, standing.move
    with closing(database.connect("handover")) as holding:
        own_move(holding, move)
        if look(database, move).given is not standing.given:
            return  # another process just did it
        try:
            _exchange(database, move, statements, fill)
        except BaseException:
            with suppress(Exception):
                apply(database, where_authority(move, move.authority, drop_gate(move)))
            raise


def _exchange(database: Database, move: Move, statements: list[str], fill: Callable[[], None]) -> None:
    apply(database, add_gate(move)[:1])
    for remaining in reversed(range(MAX_ROUNDS)):
        fill()
        try:
            apply(database, statements)
        except BackfillError as error:
            if not remaining or not isinstance(error.__cause__, psycopg.errors.CheckViolation):
                raise
        else:
            return
