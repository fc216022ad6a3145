"""`ON CONFLICT DO UPDATE` and tenants: the conflicting row may be another tenant's than the new one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column

from ..errors import UnsupportedStatementError
from ..reading.criteria import equalities, is_column
from .conflicts import conflicting_pair, digested_pair
from .target import Target

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def check_upsert(clause: Any, target: Target, given: Mapping[str, Any]) -> None:
    """That a row keeps its tenant, or has all that is encrypted for it replaced with it.

    `given`: what SET assigns, by the keys of columns. Raises `UnsupportedStatementError` with what to do.
    """
    for column in target.declared.tenants.values():
        bound = {key for key, pair in target.pairs.items() if pair.tenant is column}
        written, moves = bound & given.keys(), column.key in given
        if not (written or moves):
            continue
        replaced = moves and is_excluded(given[column.key], column)
        same = _in_target(clause, column, target) or is_same_in_where(clause, column, target)
        if not (replaced and bound <= given.keys()) and (not same or moves > replaced):
            raise _refusal(column, sorted(written or bound))


def _in_target(clause: Any, column: Column[Any], target: Target) -> bool:
    """Whether the rows conflict by their tenant, among others."""
    names = conflict_names(clause, target.table)
    found = [conflicting_pair(each, target) or digested_pair(each, target) for each in names]
    digested = any(pair is not None and pair.tenant is column for pair in found)  # under a key of its tenant
    return digested or column.name in names


def conflict_names(clause: Any, table: Any) -> set[str]:
    """The columns by which rows conflict, as far as they are told."""
    elements = clause.inferred_target_elements
    if elements is None:
        wanted = clause.constraint_target
        known = [*table.constraints, *table.indexes]
        found = next((each for each in known if each.name == wanted), None)
        if found is None and wanted == f"{table.name}_pkey":
            found = table.primary_key
        elements = [] if found is None else list(found.columns)
    return {_name(each) for each in elements}


def _name(element: Any) -> str:
    if isinstance(element, str):
        return element
    return str(element.name) if isinstance(element, Column) else ""


def is_same_in_where(clause: Any, column: Column[Any], target: Target) -> bool:
    """Whether the update is skipped, on purpose, where the tenants differ."""
    where = clause.update_whereclause
    for sides in () if where is None else equalities([where]):
        for one, other in (sides, sides[::-1]):
            if is_column(one, target.written, column) and is_excluded(other, column):
                return True
    return False


def is_excluded(value: Any, column: Column[Any]) -> bool:
    """Whether it is the column of the new row."""
    there = isinstance(value, Column) and getattr(value.table, "name", None) == "excluded"
    return there and value.name == column.name


def _refusal(column: Column[Any], keys: list[str]) -> UnsupportedStatementError:
    name = column.name
    return UnsupportedStatementError(
        f"{column.table.name}.{name} names the tenant of {', '.join(keys)}, and the row in conflict may be "
        f"another tenant's: add {name} to the conflict target, set {name} and all that is encrypted for it "
        f"from excluded, or skip such rows with where=table.c.{name} == excluded.{name}"
    )
