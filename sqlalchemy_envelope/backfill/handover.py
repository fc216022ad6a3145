"""Handing the truth over, while writers that can't take part are refused."""

from collections.abc import Callable
from contextlib import suppress

import psycopg

from ..errors import BackfillError
from .apply import apply
from .gate import add_gate, drop_gate
from .standing import Standing

MAX_ROUNDS = 3
"""How often rows are filled in before the exchange gives up."""


def change_hands(standing: Standing, statements: list[str], fill: Callable[[], None]) -> None:
    """Refuses who would make rows pending, fills in what is, and runs the exchange.

    Where that fails, nobody is refused any longer. Where a row is pending nevertheless, because a trigger
    was off, the CHECK of the gate fails.
    """
    database, move = standing.database, standing.move
    try:
        apply(database, add_gate(move)[:1])
        for remaining in reversed(range(MAX_ROUNDS)):
            fill()
            try:
                return apply(database, statements)
            except BackfillError as error:
                if not remaining or not isinstance(error.__cause__, psycopg.errors.CheckViolation):
                    raise
    except BaseException:
        with suppress(Exception):
            apply(database, drop_gate(move))
        raise
