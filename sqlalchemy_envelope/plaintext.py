"""The plaintext column of a column that is moving: hidden like the sibling, and written with the pair."""

from typing import Any

from sqlalchemy import Column, Table

from .declaration import check_moving, check_plaintext, check_stored
from .moving import Moving
from .sibling import Hidden
from .types import EncryptedType


class PlaintextColumn(Hidden[Any]):
    """A column that holds what its encrypted column holds, while that is moving."""

    inherit_cache = True


def plaintext_beside(table: Table, column: Column[Any], dek: str) -> Column[Any] | None:
    """The plaintext column of an encrypted one that is moving: found by its name, or made.

    While rows may be pending, the pair may be NULL and the plaintext as the column was declared; once only
    the pair is written, it is the other way round.
    """
    declared: EncryptedType[Any] = column.type  # type: ignore[assignment]
    moving = declared.moving
    if moving is None:
        return None
    check_moving(table, column, dek, moving)
    found = next((each for each in table.c if each.name == moving.column), None)
    if found is None:
        found = _made(table, column, moving.typed(declared.plain))
    adopt_plaintext(table, column, found, moving)
    found.type = declared.stored(found.type)
    column.nullable = column.nullable or moving.pending
    return found


def adopt_plaintext(table: Table, column: Column[Any], found: Column[Any], moving: Moving) -> None:
    """Hides a plaintext column that stands in the table, and gives it the type that the model tells."""
    check_plaintext(table, column, found, moving)
    check_stored(table, column, found)
    PlaintextColumn.adopted(found)
    if moving.type_ is not None:
        found.type = moving.type


def _made(table: Table, column: Column[Any], moving: Moving) -> Column[Any]:
    """A new one, under its name or, where another column has that as its key, under a key of its own."""
    return PlaintextColumn(
        moving.column,
        moving.type,
        key=f"{column.key}_plaintext" if moving.column in table.c else moving.column,
        nullable=bool(column.nullable) or not moving.pending,
        _omit_from_statements=True,
    )
