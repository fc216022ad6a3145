"""The columns of blind indexes: beside the pair and hidden like the sibling, each with a real index."""

from typing import Any

from sqlalchemy import Column, Index, LargeBinary, PickleType, Table
from sqlalchemy.sql.elements import conv

from .blind import BlindIndex
from .canonical import check_indexable
from .context import Context
from .declaration import MAX_NAME_BYTES
from .errors import ConfigurationError
from .pairs import Pair, indexed_with, pairs_of
from .sibling import Hidden


class IndexColumn(Hidden[bytes]):
    """A column of digests, by which equal values are found."""

    inherit_cache = True


def named_indexes(
    table: Table, column: Column[Any], declared: Any, context: Context
) -> tuple[BlindIndex, ...] | None:
    """The indexes of an encrypted type with the names of their columns and keys. Raises `ConfigurationError`.

    A key's name is of the context, which outlives the column's own name.
    """
    if declared.index is None:
        return None
    place = f"{table.name}.{column.name}"
    named = tuple(_named(each, column.name, context) for each in declared.index)
    names = [each.name for each in named]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{place} has two blind indexes of one name: give one another by name=")
    if isinstance(getattr(declared, "type_", None), PickleType):
        raise ConfigurationError(f"{place} can't have a blind index: equal values have many pickles")
    for each in named:
        check_indexable(declared.codec.tag, each.expressions, place)
        if len(str(each.name).encode()) > MAX_NAME_BYTES:
            raise ConfigurationError(
                f"{place} would have a blind index of a name over {MAX_NAME_BYTES} bytes: give it name="
            )
    return named


def _named(index: BlindIndex, column: str, context: Context) -> BlindIndex:
    return BlindIndex(
        *index.expressions,
        name=index.sibling(column),
        key=index.context(context).key,
        bits=index.bits,
        unique=index.unique,
        columns=index.columns,
        filling=index.filling,
    )


def index_columns(table: Table, pair: Pair) -> tuple[Column[Any], ...]:
    """The columns of a pair's indexes, found by their names or made last in the table."""
    return tuple(_column(table, pair, each) for each in pair.type.indexes)


def _column(table: Table, pair: Pair, index: BlindIndex) -> Column[Any]:
    name = str(index.name)
    found = next((each for each in table.c if each.name == name), None)
    if found is None:
        found = IndexColumn(name, LargeBinary(), _omit_from_statements=True)
        table.append_column(found)
    adopt_index_column(table, pair, found)
    stored = conv(f"ix_{table.name}_{name}")
    for each in [each for each in table.indexes if each.name == stored]:
        table.indexes.discard(each)  # reflected, or copied with its table
    Index(stored, found, unique=index.unique, _column_flag=True)  # comes with its column, also in a copy
    return found


def adopt_index_column(table: Table, pair: Pair, found: Column[Any]) -> None:
    """Hides a column that stands in the table. Raises `ConfigurationError` where it can't hold digests."""
    others = (each for other in pairs_of(table).values() for each in other.columns if each is found)
    taken = any(True for _ in others) and not any(each is found for each in pair.indexes)
    if taken or not isinstance(found.type, LargeBinary) or not found.nullable:
        raise ConfigurationError(
            f"{table.name}.{found.name} can't be the blind index of {pair.content.name}: leave it to be "
            "made, or declare a nullable LargeBinary of its own"
        )
    IndexColumn.adopted(found)


def check_indexed_together(table: Table) -> None:
    """That what an index digests together is encrypted, and of one tenant. Raises `ConfigurationError`."""
    for pair in pairs_of(table).values():
        for index in pair.type.indexes:
            if index.columns:
                _check_together(pair, index, f"{table.name}.{index.name}")


def _check_together(pair: Pair, index: BlindIndex, place: str) -> None:
    try:
        parts = indexed_with(pair, index)
    except KeyError as missing:
        raise ConfigurationError(
            f"{place} indexes {missing}, which is no encrypted column of its table: name one that is "
            "declared by the time the table is complete"
        ) from None
    if not any(each.content is pair.content for each in parts):
        raise ConfigurationError(f"{place} indexes columns without {pair.content.name}: name it among them")
    if len({(each.type.tenant, each.type.reading.context.tenant) for each in parts}) > 1:
        raise ConfigurationError(f"{place} indexes columns of different tenants: give them one")
    for each in parts:
        check_indexable(each.type.codec.tag, index.expressions, place)
