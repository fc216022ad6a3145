"""What can't be rotated, said before anything is done, each with table, column and remedy."""

from typing import Any
from uuid import UUID

import psycopg

from ...errors import ConfigurationError
from ..postgres.names import qualified, quoted
from ..postgres.relation import Relation
from ..record.moves import find_by_content
from ..subject.move import Authority, Move
from ..subject.rotation import Rotation
from .mates import mates_of
from .refusals import check_row


def check_rotation(connection: "psycopg.Connection[Any]", relation: Relation, rotation: Rotation) -> None:
    """That the rows can be visited and their cells replaced. Raises `ConfigurationError`."""
    place, table = rotation.place, rotation.table
    if relation.kind not in "rp" or any(leaf.kind != "r" for leaf in relation.leaves):
        raise ConfigurationError(f"{place}: {table} is no table of this database; rotate where its rows are")
    if relation.hides_rows:
        raise ConfigurationError(
            f"{place}: row security hides rows of {table} from this role; connect as one with BYPASSRLS"
        )
    if relation.inherited:
        raise ConfigurationError(f"{place}: other tables inherit from {table}; rotate each by itself")
    check_row(relation, rotation)
    if relation.key is None:
        raise ConfigurationError(
            f"{place}: {table} has no key to go by; add a primary key, or a unique index over columns that"
            " are NOT NULL and not the pair"
        )
    _check_columns(relation, rotation)
    _check_group(connection, rotation)
    _check_chosen_key(connection, rotation)
    _check_kept_plaintext(connection, relation, rotation)


def _check_columns(relation: Relation, rotation: Rotation) -> None:
    tenant = [] if rotation.tenant is None else [rotation.tenant]
    for name in (*sorted(rotation.names), *tenant):
        if name not in relation.columns:
            raise ConfigurationError(
                f"{rotation.place}: {rotation.table} has no column {name}; name the sibling by dek= and the"
                " tenant's column by tenant=, as the model does"
            )
    for name in sorted(rotation.names):
        if relation.columns[name].base != "bytea":
            raise ConfigurationError(
                f"{rotation.place}: {name} is {relation.columns[name].type}, which is no encrypted column"
            )


def _check_group(connection: "psycopg.Connection[Any]", rotation: Rotation) -> None:
    """A column left out would keep its contents under data keys that are no more."""
    left = [name for name in mates_of(connection, rotation) if name not in rotation.names]
    if left:
        raise ConfigurationError(
            f"{rotation.place}: {', '.join(left)} of {rotation.table} shares {rotation.dek}; say mates=, each"
            " with its logical name, or rotate by the model"
        )


def _check_chosen_key(connection: "psycopg.Connection[Any]", rotation: Rotation) -> None:
    """What is under an active key can't be told from what is put under it."""
    known = connection.execute("SELECT to_regclass('envelope.key')").fetchone()
    if rotation.only_key is None or known is None or known[0] is None:
        return
    query = "SELECT 1 FROM envelope.key WHERE id = %s::uuid AND state = 'active'"
    if connection.execute(query, [rotation.only_key]).fetchone():
        raise ConfigurationError(
            f"{rotation.place}: key {UUID(rotation.only_key)} is active, so new values still come under it;"
            " give its tenant another one first: sqlalchemy-envelope keys rotate"
        )


def _check_kept_plaintext(
    connection: "psycopg.Connection[Any]", relation: Relation, rotation: Rotation
) -> None:
    """A trigger takes a new pair for a new value, and sets the plaintext that is kept beside it to NULL."""
    for name in rotation.contexts:
        move = find_by_content(connection, rotation.schema, rotation.table, name)
        if move is not None and move.authority is Authority.PAIR and move.plaintext in relation.columns:
            _check_empty(connection, rotation, move)


def _check_empty(connection: "psycopg.Connection[Any]", rotation: Rotation, move: Move) -> None:
    table = qualified(rotation.schema, rotation.table)
    query = f"SELECT EXISTS (SELECT FROM {table} WHERE {quoted(move.plaintext)} IS NOT NULL)"
    kept = connection.execute(query.encode(), {}).fetchone()
    if kept and kept[0]:
        raise ConfigurationError(
            f"{rotation.place}: {move.plaintext} still keeps plaintext, which its trigger would set to NULL;"
            " end the move first: op.null_plaintext, or op.drop_plaintext"
        )
