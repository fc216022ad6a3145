"""What is searched for, kept out of the errors that SQLAlchemy makes of parameters as they were given."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy.exc import StatementError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

HIDDEN = "(hidden)"
"""Stands in an error for the value of a parameter that nobody may see."""

_SLOT = "_envelope_searched"


def tell_searched(connection: Any, names: AbstractSet[str], error: Exception) -> None:
    """Parameters of these names were becoming digests when it was raised: SQLAlchemy is about to wrap it."""
    connection.__dict__[_SLOT] = error, names


def hide_searched(failed: Any) -> None:
    """SQLAlchemy's `handle_error`: what fails before anything is sent prints the rows as they were given."""
    told = None if failed.connection is None else failed.connection.__dict__.pop(_SLOT, None)
    error = failed.sqlalchemy_exception
    if told is not None and told[0] is failed.original_exception and isinstance(error, StatementError):
        error.params = [_told(row, told[1]) for row in rows_of(error.params)]


def _told(row: Mapping[str, Any], names: AbstractSet[str]) -> dict[str, Any]:
    return {name: HIDDEN if name in names else value for name, value in row.items()}


def rows_of(parameters: Any) -> Iterable[Mapping[str, Any]]:
    """The rows of parameters that an error has: one, many or none."""
    return [parameters] if isinstance(parameters, Mapping) else parameters or ()
