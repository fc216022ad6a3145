"""Tenants of the rows that a flush is about to update: its UPDATE gives what changed and the primary key.

They wait on the flush's connection, by the parameters that it will find each row by, and are taken once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_SLOT = "_envelope_tenants"

Values = dict[str, Any]
"""Of the columns that name tenants, by their keys."""


def remember(
    connection: Any, table: Any, key: Mapping[str, Any], values: Values, slot: str = _SLOT
) -> None:
    """Leaves them for the UPDATE of a row; `key` has its primary key by the names of its parameters.

    `slot`: what else is kept so, apart.
    """
    kept = connection.__dict__.setdefault(slot, {}).setdefault((table, tuple(key)), {})
    kept.setdefault(tuple(key.values()), {}).update(values)


def recalled(
    connection: Any, table: Any, rows: Sequence[Mapping[str, Any]], slot: str = _SLOT
) -> list[Values] | None:
    """What was remembered of the rows that these parameters find; None unless it was of each."""
    for (of, labels), kept in connection.__dict__.get(slot, {}).items():
        if of is table and labels and all(label in row for row in rows for label in labels):
            found = [kept.pop(tuple(row[label] for label in labels), None) for row in rows]
            return None if any(each is None for each in found) else found
    return None
