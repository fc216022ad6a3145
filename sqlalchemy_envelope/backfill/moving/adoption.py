"""A pair that no move made: encrypted from the start, and to be decrypted now."""

from typing import Any

import psycopg

from ...errors import ConfigurationError
from ..plan.mates import refuse_shared
from ..postgres.database import Database
from ..postgres.quoting import column_facts, here, literal
from ..postgres.relation import inspect
from ..record.moves import record
from ..subject.move import Move
from .standing import Standing, columns_of, installed, look


def adopted(database: Database, move: Move, sql_type: str | None) -> Standing:
    """Records a move that is over: the pair is the truth and there is no plaintext.

    What the plaintext is to be: of `sql_type`, and NOT NULL where the pair is. Raises `ConfigurationError`
    where there is no pair.
    """
    after = move.handed_over()
    if sql_type is None and move.type.stored.sql is None:
        raise ConfigurationError(f"{move.place}: with or without a zone? Say sql_type= of its plaintext")
    installed(database)
    with database.asked("move") as connection, connection.transaction():
        if {after.content, after.dek} - _of_bytes(connection, after):
            raise ConfigurationError(
                f"{move.place} is not encrypted: {move.schema} has no pair {after.content}, {after.dek}"
            )
        refuse_shared(connection, after)
        record(connection, after)
        kind = "" if sql_type is None else f", plaintext_type = {literal(sql_type)}"
        facts = column_facts(after, after.content, "a.attnotnull AS required")
        connection.execute(
            f"UPDATE envelope.move SET plaintext_not_null = of.required{kind}"
            f" FROM ({facts}) AS of WHERE {here(after)}".encode()
        )
    return look(database, move)


def _of_bytes(connection: "psycopg.Connection[Any]", move: Move) -> set[str]:
    """The columns that could hold a cell. A plain one that was taken for a pair would never be encrypted."""
    if not columns_of(connection, move):
        return set()
    return {name for name, each in inspect(connection, move).columns.items() if each.base == "bytea"}
