"""DISTINCT, UNION and their kin compare whole rows, which is right only beside the row's primary key."""

from typing import Any

from ..comparator import place_of
from ..errors import UnsupportedStatementError
from ..types import carried
from .kinds import is_null, same_kind
from .lineage import columns_of, has_primary_key, primary_key_places


def check_distinct(columns: list[Any]) -> None:
    """Refuses SELECT DISTINCT over an encrypted column without the primary key of its row."""
    for column in columns:
        if carried(column.type) is not None and not has_primary_key(column, columns):
            raise _comparing("SELECT DISTINCT", column)


def check_set_operation(compound: Any) -> None:
    """Refuses a set operation whose branches don't agree on an encrypted column, or that compares one."""
    branches = [columns_of(select) for select in compound.selects]
    keyword = compound.keyword.value
    for position in zip(*branches, strict=False):
        encrypted = next((each for each in position if carried(each.type) is not None), None)
        if encrypted is None:
            continue
        if not same_kind(position[0], encrypted) or not all(
            same_kind(e, encrypted) or is_null(e) for e in position
        ):
            raise UnsupportedStatementError(
                f"{place_of(encrypted.type)} is encrypted and {keyword} would mix it with other values: "
                "each branch must hold the same encrypted column there, or NULL, the first one the column"
            )
        if keyword != "UNION ALL":
            _check_compared(keyword, position, branches)


def _check_compared(keyword: str, position: tuple[Any, ...], branches: list[list[Any]]) -> None:
    """In every branch at the same places: else two rows could look alike that hold different ciphertext."""
    both = zip(position, branches, strict=True)
    read = [(column, branch) for column, branch in both if not is_null(column)]
    places = [primary_key_places(column, branch) for column, branch in read]
    if not places:
        return
    for name in {name for each in places for name in each} or {""}:
        if not set.intersection(*(each.get(name, set()) for each in places)):
            raise _comparing(keyword, read[0][0])


def _comparing(what: str, column: Any) -> UnsupportedStatementError:
    return UnsupportedStatementError(
        f"{place_of(column.type)} is encrypted and {what} would compare random ciphertext: "
        "add the table's primary key to the columns, or use UNION ALL or no DISTINCT and do it in Python"
    )
