"""The columns of a database that share a sibling, found without models: by their guards."""

from typing import Any, Protocol

import psycopg

from ..keystore.guards import GUARDS, Guard
from .subject import Subject


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


def _guards(connection: "psycopg.Connection[Any]") -> list[Guard]:
    rows = connection.execute(GUARDS.encode()).fetchall()
    return [guard for guard in map(Guard.of, rows) if guard is not None]


class Shares(Subject, Protocol):
    """A subject that names its sibling."""

    @property
    def dek(self) -> str:
        """The sibling."""
