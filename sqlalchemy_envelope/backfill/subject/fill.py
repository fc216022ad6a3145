"""What is filled: the column of one blind index, and the encrypted columns whose values it digests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from ...blind import BlindIndex
from ...context import Context
from ...errors import ConfigurationError
from .move import MAX_NAME_BYTES, row_columns
from .named import Named


@dataclass(frozen=True)
class Part:
    """An encrypted column by the physical names of its pair, and its logical context."""

    content: str
    dek: str
    context: Context


@dataclass(frozen=True)
class Fill(Named):
    """A blind index of a table. All names are physical ones, but the key's in `index` and those of contexts.

    `column` holds the digests, of the values of `parts` in this order. `tenant`: the column with each row's;
    `tenant_of_key`: no column tells it, but the key-encryption key does. `row`: the primary key's columns in
    the model's order, where values are bound to their row.
    """

    schema: str
    table: str
    column: str
    index: BlindIndex
    parts: tuple[Part, ...]
    tenant: str | None = None
    tenant_of_key: bool = False
    row: tuple[str, ...] = ()

    @classmethod
    def plan(
        cls,
        table: str,
        column: str,
        index: BlindIndex | None = None,
        *,
        schema: str = "public",
        tenant: str | None = None,
        tenant_of_key: bool = False,
        context: Context | str | None = None,
        dek: str | None = None,
        contexts: Mapping[str, Context | str] | None = None,
        deks: Mapping[str, str] | None = None,
        bind_row: Sequence[str] | None = None,
    ) -> Self:
        """The index of an encrypted column, as its model has it.

        `dek`, `context`: of that column; `deks`, `contexts`: by name, of others that it indexes together.
        `bind_row`: the primary key's columns in the model's order, where it binds values to their row.
        Raises `ConfigurationError` for a name that PostgreSQL would cut, and for columns without this one.
        """
        wanted = index or BlindIndex()
        name, columns = wanted.sibling(column), wanted.columns or (column,)
        if column not in columns or len(name.encode()) > MAX_NAME_BYTES:
            raise ConfigurationError(
                f"{table}.{column}: its index has this column among columns=, and a name= of at most 63 bytes"
            )
        where = {**(contexts or {}), **({} if context is None else {column: context})}
        siblings = {**(deks or {}), **({} if dek is None else {column: dek})}
        row = row_columns(bind_row, f"{table}.{column}")
        parts = tuple(_part(table, each, siblings, where, bool(row)) for each in columns)
        own = parts[columns.index(column)].context
        named = _named(wanted, name, wanted.context(own).key)
        return cls(schema, table, name, named, parts, tenant, tenant_of_key, row)

    @classmethod
    def of(
        cls, schema: str, table: str, index: BlindIndex, key: str, parts: tuple[Part, ...], **whose: Any
    ) -> Self:
        """One whose index has its name, with the name of its key said."""
        return cls(schema, table, str(index.name), _named(index, str(index.name), key), parts, **whose)

    def renamed(self, old: str, content: str, dek: str) -> Self:
        """The same with one part's pair under other names."""
        parts = (
            replace(each, content=content, dek=dek) if each.content == old else each for each in self.parts
        )
        return replace(self, parts=tuple(parts))

    @property
    def names(self) -> frozenset[str]:
        """The columns that are written: rows are not visited by them."""
        return frozenset((self.column,))

    @property
    def contents(self) -> Sequence[str]:
        """The encrypted columns."""
        return [each.content for each in self.parts]


def _named(index: BlindIndex, name: str, key: str) -> BlindIndex:
    how: dict[str, Any] = {"bits": index.bits, "unique": index.unique, "columns": index.columns}
    return BlindIndex(*index.expressions, name=name, key=key, **how)


def _part(
    table: str, column: str, deks: Mapping[str, str], contexts: Mapping[str, Any], bind_row: bool
) -> Part:
    given = contexts.get(column)
    where = Context(table, column) if given is None else Context.of(given)
    return Part(column, deks.get(column, f"{column}_dek"), replace(where, bind_row=bind_row))
