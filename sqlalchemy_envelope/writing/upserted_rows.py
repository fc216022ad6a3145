"""`ON CONFLICT DO UPDATE` and bound columns: the conflicting row must be the one of the new row's key."""

from collections.abc import Mapping
from typing import Any

from ..errors import UnsupportedStatementError
from .target import Target
from .upserted_tenants import conflict_names, is_excluded, is_same_in_where

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def check_upserted_rows(clause: Any, target: Target, given: Mapping[str, Any]) -> None:
    """That bound columns are set only in the row whose key they were sealed for, and no row changes its key.

    `given`: what SET assigns, by the keys of columns. Raises `UnsupportedStatementError` with what to do.
    """
    bound = target.declared.bound
    if not bound:
        return
    columns = next(iter(bound.values())).row
    moved = [each for each in columns if each.key in given and not is_excluded(given[each.key], each)]
    names = conflict_names(clause, target.table)
    same = all(each.name in names or is_same_in_where(clause, each, target) for each in columns)
    touched = sorted(bound.keys() & given.keys()) or (moved or any(each.key in given for each in columns))
    if touched and (moved or not same):
        place, key = next(iter(bound.values())).type.reading.context.place, ", ".join(c.name for c in columns)
        raise UnsupportedStatementError(
            f"{place} is bound to its row, and the row in conflict may be another than the new one: let rows "
            f"conflict by their primary key ({key}) and leave that as it is, or skip others with "
            f"where=table.c.{columns[0].name} == excluded.{columns[0].name}"
        )
