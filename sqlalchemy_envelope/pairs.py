"""The pair: an encrypted column and its sibling, and where a table keeps its pairs."""

from typing import Any, NamedTuple

from sqlalchemy import Column, Table
from sqlalchemy.sql.selectable import FromClause

from .types import EncryptedType


class Pair(NamedTuple):
    """An encrypted column and its sibling, of one table; and while it is moving, the plaintext column.

    `tenant`: the column that names the tenants of its values, where one does. `mates`: the keys of the other
    encrypted columns that share the sibling.
    """

    content: Column[Any]
    dek: Column[Any]
    plaintext: Column[Any] | None = None
    tenant: Column[Any] | None = None
    mates: tuple[str, ...] = ()

    @property
    def type(self) -> EncryptedType[Any]:
        """The column's own, bound type."""
        return self.content.type  # type: ignore[return-value]

    @property
    def columns(self) -> list[Column[Any]]:
        """All that a value is written to: content, sibling, and plaintext column where there is one."""
        both = [self.content, self.dek]
        return both if self.plaintext is None else [*both, self.plaintext]

    @property
    def own(self) -> list[Column[Any]]:
        """The same without a sibling that serves other columns too, which is written once for all of them."""
        return [each for each in self.columns if not (self.mates and each is self.dek)]

    def of(self, source: Any) -> "Pair":
        """The same as a table's alias, or its `excluded`, has them."""
        there = [None if each is None else source.c[each.key] for each in self[:-1]]
        return Pair(*there, mates=self.mates)  # type: ignore[arg-type, misc]

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


Pairs = dict[str, Pair]
"""By the key of the encrypted column."""

SLOT = "_envelope_pairs"
"""Where a complete Table keeps its pairs: they live, are annotated and are pickled with it."""

MAPPED = "_envelope_mapped"
"""Marks a sibling that its author made an attribute of a mapped class."""

_NONE: Pairs = {}


def pairs_of(table: FromClause) -> Pairs:
    """The pairs of a table by column key; empty where it has none."""
    pairs: Pairs = table.__dict__.get(SLOT, _NONE)
    return pairs


def sibling_keys(table: FromClause) -> dict[str, str]:
    """By the key of each sibling: the key of its encrypted column."""
    return {pair.dek.key: key for key, pair in pairs_of(table).items()}
