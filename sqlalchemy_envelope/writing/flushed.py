"""Whether a statement is the ORM's UPDATE by primary key, which notices a row that it does not find."""

from collections.abc import Mapping, Sequence
from typing import Any

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def is_by_key(table: Any, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> bool:
    """By the names that it gives the parameters of its WHERE; a table without a key has that of its class."""
    labels = [str(each._label) for each in table.primary_key or table.c]
    of_all = all if table.primary_key else any
    found = all(of_all(label in row for label in labels) for row in rows)
    return found and options.get("compiled_cache") is not None
