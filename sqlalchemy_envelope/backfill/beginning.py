"""What a move can't be begun with, said before the first change of its table."""

from ..errors import ConfigurationError
from .database import Database
from .move import Move
from .refusals import check_beginning, check_columns, check_table
from .relation import inspect
from .standing import columns_of, look_for


def refuse_impossible(
    database: Database, move: Move, *, source: bool = True, allow_replica_identity_full: bool = True
) -> None:
    """Raises `ConfigurationError` where a move that has no pair yet can't come to its end.

    `source`: something reads the old column, whatever its type.
    """
    standing = look_for(database, move)
    if standing is not None and standing.has_pair:
        return
    with database.connect("move") as connection:
        if move.plaintext not in columns_of(connection, move):
            raise ConfigurationError(f"{move.place}: there is no such column in schema {move.schema}")
        relation = inspect(connection, move)
    check_table(relation, move, allow_replica_identity_full=allow_replica_identity_full)
    check_beginning(relation, move)
    check_columns(relation, move, pair=False, source=source)
