"""What a move can't be begun with, said before the first change of its table."""

from typing import Any

import psycopg

from ...checks import cells_sql
from ...errors import ConfigurationError
from ..plan.mates import refuse_shared
from ..plan.refusals import check_beginning, check_columns, check_table
from ..postgres.database import Database
from ..postgres.quoting import identifier
from ..postgres.quoting import relation as table
from ..postgres.relation import Relation, inspect
from ..record.moves import recorded
from ..subject.move import Move
from .standing import Standing, columns_of, look_for


def refuse_impossible(
    database: Database, move: Move, *, source: bool = True, allow_replica_identity_full: bool = True
) -> None:
    """Raises `ConfigurationError` where a move that has no pair yet can't come to its end.

    `source`: something reads the old column, whatever its type.
    """
    standing = look_for(database, move)
    if standing is not None and standing.has_pair:
        _refuse_forgotten(standing)
        return
    with database.asked("move") as connection:
        if move.plaintext not in columns_of(connection, move):
            where = f"{move.table} in schema {move.schema}"
            raise ConfigurationError(f"{move.place}: {where} has no column {move.plaintext}")
        relation = inspect(connection, move)
        refuse_shared(connection, move)
        _refuse_taken(connection, move, relation)
    check_table(relation, move, allow_replica_identity_full=allow_replica_identity_full)
    check_beginning(relation, move)
    check_columns(relation, move, pair=False, source=source)


def _refuse_taken(connection: "psycopg.Connection[Any]", move: Move, relation: Relation) -> None:
    """A pair that is there already is taken over if it is one: on the way back it will be dropped."""
    others = [each.move for each in recorded(connection)]
    parts = {name for each in others if _is_beside(each, move) for name in _taken_by(each, move)}
    lasting = {move.lasting_dek, f"{move.column}_plaintext"} - {move.dek} if move.in_place else set()
    pair = [name for name in move.cells if name in relation.columns]
    strange = [name for name in pair if relation.columns[name].base != "bytea"]
    taken = {move.column, *pair} & parts | lasting & relation.columns.keys() | set(strange)
    if not taken and _holds_something_else(connection, move, pair):
        taken = set(pair)
    if taken:
        raise ConfigurationError(
            f"{move.place}: {', '.join(sorted(taken))} is a column for something else; choose other names by"
            " into= and dek="
        )


def _taken_by(other: Move, move: Move) -> list[str]:
    return other.cells if move.shared else [other.content, other.dek]


def _is_beside(other: Move, move: Move) -> bool:
    same = (other.schema, other.table) == (move.schema, move.table)
    return same and other.column != move.column


def _holds_something_else(connection: "psycopg.Connection[Any]", move: Move, pair: list[str]) -> bool:
    if not pair:
        return False
    guard = cells_sql(identifier(move.content), identifier(move.dek), None)
    wrong = f"NOT ({guard})" if len(pair) > 1 else f"{identifier(pair[0])} IS NOT NULL"
    found = connection.execute(f"SELECT EXISTS (SELECT FROM {table(move)} WHERE {wrong})".encode()).fetchone()
    return bool(found and found[0])


def _refuse_forgotten(standing: Standing) -> None:
    """After a swap the gate lets no row be pending. Where it is gone, so is the table that was swapped."""
    if not (standing.given and standing.has_plaintext) or standing.gated or not standing.pending:
        return
    raise ConfigurationError(
        f"{standing.move.place}: it is recorded as encrypted, but {standing.pending} rows have plaintext"
        " alone: was the table made anew? Begin anew too: op.decrypt_column, then this again"
    )
