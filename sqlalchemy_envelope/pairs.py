"""The pair: an encrypted column and its sibling, and where a table keeps its pairs."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Column, Table
from sqlalchemy.sql.selectable import FromClause

from .blind import BlindIndex
from .types import EncryptedType


class Pair(NamedTuple):
    """An encrypted column and its sibling, of one table; and while it is moving, the plaintext column.

    `tenant`: the column that names the tenants of its values, where one does. `mates`: the keys of the other
    encrypted columns that share the sibling. `indexes`: the columns of its blind indexes, in the order of its
    type's.
    """

    content: Column[Any]
    dek: Column[Any]
    plaintext: Column[Any] | None = None
    tenant: Column[Any] | None = None
    mates: tuple[str, ...] = ()
    indexes: tuple[Column[Any], ...] = ()

    @property
    def type(self) -> EncryptedType[Any]:
        """The column's own, bound type."""
        return self.content.type  # type: ignore[return-value]

    @property
    def columns(self) -> list[Column[Any]]:
        """All that a value is written to: content, sibling, plaintext column where there is one, indexes."""
        both = [self.content, self.dek]
        return [*both, *self.indexes] if self.plaintext is None else [*both, self.plaintext, *self.indexes]

    @property
    def own(self) -> list[Column[Any]]:
        """The same without a sibling that serves other columns too, which is written once for all of them."""
        return [each for each in self.columns if not (self.mates and each is self.dek)]

    def of(self, source: Any) -> "Pair":
        """The same as a table's alias, or its `excluded`, has them."""
        single = {name: each for name, each in self._asdict().items() if isinstance(each, Column)}
        found: dict[str, Any] = {name: source.c[each.key] for name, each in single.items()}
        return self._replace(**found, indexes=tuple(source.c[each.key] for each in self.indexes))

    def index_column(self, name: str) -> Column[Any]:
        """The column of the index of this name."""
        return next(each for each in self.indexes if each.name == name)

    @property
    def group(self) -> frozenset[str]:
        """The keys of all the encrypted columns that its sibling serves."""
        return frozenset((str(self.content.key), *self.mates))

    @property
    def row(self) -> list[Column[Any]]:
        """The primary key in its declared order, where values are bound to it; of the pair's own source."""
        if not self.type.bind_row:
            return []
        source: Any = self.content.table
        table = source
        while not isinstance(table, Table):
            table = table.element
        return [source.c[each.key] for each in table.primary_key]

    @property
    def is_mapped(self) -> bool:
        """Whether the sibling is an attribute of a mapped class, which only its author can make it."""
        return MAPPED in self.dek.__dict__


class Declared:
    """What the declarations of a table's pairs come to together."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        each = {str(pair.content.key): pair for pair in pairs}
        self.hidden = {str(one.key): (pair, one) for pair in each.values() for one in pair.columns[1:]}
        """By key the columns beside contents, which only sealing writes, each with its pair."""
        self.own_keys = {key: [str(one.key) for one in pair.own] for key, pair in each.items()}
        """By key of content: the keys of `Pair.own`."""
        named = (pair.tenant for pair in each.values())
        self.tenants = {str(one.key): one for one in named if one is not None}
        """By key the columns that name tenants."""
        self.bound = {key: pair for key, pair in each.items() if pair.type.bind_row}
        """The pairs that are bound to their rows."""
        self.is_tenanted = any(pair.type.tenancy is not None for pair in each.values())
        self.shares_keys = any(pair.mates for pair in each.values())
        self.knows_rows = self.is_tenanted or self.shares_keys or bool(self.bound)
        """Whether sealing asks whose rows it writes, which they are, or what key they have."""
        self.has_indexes = any(pair.indexes for pair in each.values())
        self.indexes_together = any(index.columns for pair in each.values() for index in pair.type.indexes)


class Pairs(dict[str, Pair]):
    """The pairs of one table, by the key of the encrypted column."""

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Declared] = []

    def __setitem__(self, key: str, pair: Pair) -> None:
        super().__setitem__(key, pair)
        self._known = []  # what was settled before is never found again, whoever is about to settle it

    @property
    def declared(self) -> Declared:
        """What they come to together: settled once, until a column is added to the table."""
        known = self._known
        if not known:
            known.append(Declared(self.values()))
        return known[0]

    def __reduce__(self) -> tuple[object, ...]:
        return Pairs, (), None, None, iter(self.items())  # under every protocol of pickle by __setitem__


SLOT = "_envelope_pairs"
"""Where a complete Table keeps its pairs: they live, are annotated and are pickled with it."""

MAPPED = "_envelope_mapped"
"""Marks a sibling that its author made an attribute of a mapped class."""

_NONE = Pairs()


def pairs_of(table: FromClause) -> Pairs:
    """The pairs of a table by column key; empty where it has none."""
    pairs: Pairs = table.__dict__.get(SLOT, _NONE)
    return pairs


def indexed_with(pair: Pair, index: BlindIndex) -> list[Pair]:
    """The pairs whose values an index of `pair` digests together, in order; a KeyError for one not there."""
    if not index.columns:
        return [pair]
    table: Any = pair.content.table
    pairs = pairs_of(table)
    named = {each.content.name: each for each in pairs.values()}
    return [named[name] if name in named else pairs[name] for name in index.columns]


def sibling_keys(table: FromClause) -> dict[str, str]:
    """By the key of each sibling: the key of its encrypted column."""
    return {pair.dek.key: key for key, pair in pairs_of(table).items()}
