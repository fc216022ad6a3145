"""The columns of a database that share a sibling, found without models: by their guards."""

from typing import Any, Protocol

import psycopg

from ...errors import ConfigurationError
from ...keystore.guards import GUARDS, Guard
from ..record.moves import recorded
from ..subject.move import Move
from ..subject.subject import Subject


def guard_of(connection: "psycopg.Connection[Any]", schema: str, table: str, column: str) -> Guard | None:
    """The guard of an encrypted column; None where there is none."""
    wanted = (schema, table, column)
    every = _guards(connection)
    return next((each for each in every if (each.schema, each.table, each.content) == wanted), None)


def mates_of(connection: "psycopg.Connection[Any]", subject: "Shares") -> list[str]:
    """The other columns that are guarded together with a column's sibling."""
    wanted = (subject.schema, subject.table, subject.dek)
    found = [each.content for each in _guards(connection) if (each.schema, each.table, each.dek) == wanted]
    return sorted({name for name in found if name != subject.column})


def refuse_shared(connection: "psycopg.Connection[Any]", move: Move) -> None:
    """Raises `ConfigurationError` where others share a sibling that a move takes for its own.

    Or the other way round: the trigger of another move would clear the sibling with its pair.
    """
    here = (move.schema, move.table, move.dek)
    for known in recorded(connection):
        other = known.move
        takes = (other.schema, other.table, other.dek) == here and not other.shared and move.shared
        if takes and other.column != move.column and known.plaintext_dropped_at is None:
            raise ConfigurationError(
                f"{move.place}: {move.dek} is still the own sibling of {other.column}, which keeps its"
                " plaintext; end that move first: op.drop_plaintext"
            )
    others = [] if move.shared else mates_of(connection, move)
    if others:
        raise ConfigurationError(
            f"{move.place}: {move.dek} is the sibling of {', '.join(others)} too; say shared=True, as for"
            " each column of a group, or choose another name by dek="
        )


def _guards(connection: "psycopg.Connection[Any]") -> list[Guard]:
    rows = connection.execute(GUARDS.encode()).fetchall()
    return [guard for guard in map(Guard.of, rows) if guard is not None]


class Shares(Subject, Protocol):
    """A subject that names its sibling."""

    @property
    def dek(self) -> str:
        """The sibling."""
