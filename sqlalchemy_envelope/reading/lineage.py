"""Where a column of a statement comes from: a stored pair, or a pair that a subquery already joined."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Table
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnElement, Label
from sqlalchemy.sql.selectable import AliasedReturnsRows, SelectBase, TableValuedAlias, TextualSelect

from ..pairs import Pair, pairs_of


class Origin(NamedTuple):
    """The froms that a column passed through, outermost first, and the table's column it started as."""

    froms: tuple[Any, ...]
    column: Any


def stored_table(source: Any) -> Table | None:
    """The Table behind a table, its aliases and its samples; None for anything computed."""
    while not isinstance(source, Table):
        if not isinstance(source, AliasedReturnsRows) or isinstance(source, TableValuedAlias):
            return None
        source = source.element
    return source


def is_query(source: Any) -> bool:
    """Whether a FROM is a subquery or CTE, whose encrypted columns are joined pairs."""
    while isinstance(source, AliasedReturnsRows) and not isinstance(source, TableValuedAlias):
        source = source.element
    return isinstance(source, SelectBase | TextualSelect | UpdateBase)


def cells_of(column: Any) -> Pair | None:
    """The pair of a stored encrypted column, from the same table or alias of it."""
    pair = pair_of(column)
    return None if pair is None else pair.of(column.table)


def pair_of(column: Any) -> Pair | None:
    """The pair of a stored encrypted column."""
    table = stored_table(getattr(column, "table", None))
    pairs = () if table is None else pairs_of(table).values()
    return next((each for each in pairs if each.content.name == column.name), None)


def origin(column: Any) -> Origin | None:
    """Where a column started; None where it is computed, or comes from several places."""
    froms: list[Any] = []
    while True:
        column = _plain(column)
        source = getattr(column, "table", None)
        if source is None:
            return None
        froms.append(unannotated(source))
        if stored_table(source) is not None:
            return Origin(tuple(froms), column)
        proxies: Any = getattr(column, "_proxies", ())
        if len(proxies) != 1:
            return None
        column = proxies[0]


def has_primary_key(column: Any, columns: Iterable[Any]) -> bool:
    """Whether `columns` holds the whole primary key of the very row that `column` is read from."""
    places = primary_key_places(column, columns)
    return bool(places) and all(places.values())


def primary_key_places(column: Any, columns: Iterable[Any]) -> dict[str, set[int]]:
    """Where in `columns` each primary-key column of `column`'s own row stands; empty where it has no key."""
    start = origin(column)
    table = None if start is None else stored_table(start.column.table)
    if start is None or table is None:
        return {}
    places: dict[str, set[int]] = {key.name: set() for key in table.primary_key.columns}
    for at, found in enumerate(map(origin, columns)):
        if found is not None and found.froms == start.froms and found.column.name in places:
            places[found.column.name].add(at)
    return places


def siblings_beside(columns: Iterable[Any]) -> Iterator[Any]:
    """The encrypted columns among `columns` whose sibling, which nobody mapped, stands there as well.

    Both read from one FROM, which may be a query that took both out of their table.
    """
    plain = list(map(_plain, columns))
    read = [(each, unannotated(each.table), stored) for each in plain for stored in _stored(each)]
    held = {(source, stored.name, stored_table(stored.table)) for _, source, stored in read}
    for column, source, stored in read:
        pair = pair_of(stored)
        if pair and not pair.is_mapped and (source, pair.dek.name, stored_table(stored.table)) in held:
            yield column


def _stored(column: Any) -> Iterator[Any]:
    """The columns of tables that a plain column is, in each branch of a set operation."""
    if stored_table(getattr(column, "table", None)) is not None:
        yield column
    elif getattr(column, "table", None) is not None:
        for proxy in getattr(column, "_proxies", ()):
            yield from _stored(_plain(proxy))


def _plain(column: Any) -> Any:
    while isinstance(column, Label):
        column = column.element
    return column


def unannotated(source: Any) -> Any:
    """An identity for a FROM that survives the ORM's annotations."""
    return source._deannotate() if getattr(source, "_annotations", None) else source


def columns_of(selectable: Any) -> list[ColumnElement[Any]]:
    """The columns that a SELECT, a set operation or textual SQL with columns hands out."""
    selected = getattr(selectable, "selected_columns", None) or ()
    return [each for each in selected if isinstance(each, ColumnElement)]
