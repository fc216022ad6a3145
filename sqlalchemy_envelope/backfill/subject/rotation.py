"""What is rotated: one encrypted column, where its pair lies, and which of its values are meant."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ...context import Context
from ...errors import ConfigurationError
from ...legacy import Version
from .move import row_columns
from .named import Named
from .valuetype import ValueType

_KEY_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Rotation(Named):
    """An encrypted column whose keys are to be others. All names are physical ones; `context` is logical.

    `column` holds the content and `dek` the wrapped data keys. `tenant`: the column with each row's tenant,
    where values are bound to one; then `context` has none. `tenant_of_key`: no column tells it, but the
    key-encryption key does, as it must where it came from a statement's own context. `type` and `accept`:
    what the model says, needed for versions 1 and 2. `row`: the primary key's columns in the model's order,
    where values are bound to their row. `mates`: the other columns that share the sibling, each with its
    logical name: who encrypts one anew does so with all. `only_key` (a key id, 32 hexadecimal digits) and
    `only_tenant` leave other values out.
    """

    schema: str
    table: str
    column: str
    dek: str
    context: Context
    type: ValueType = ValueType.TEXT
    accept: Version | None = None
    tenant: str | None = None
    tenant_of_key: bool = False
    only_key: str | None = None
    only_tenant: str | None = None
    row: tuple[str, ...] = ()
    mates: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.only_key is not None and not _KEY_ID.fullmatch(self.only_key):
            raise ConfigurationError(
                f"{self.place}: a key id is 32 hexadecimal digits, as sqlalchemy-envelope status prints them"
            )
        if (self.tenant is not None) + self.tenant_of_key + (self.context.tenant is not None) > 1:
            raise ConfigurationError(
                f"{self.place}: tenants come from a column, from keys, or from the context: one of them"
            )
        if self.only_tenant is not None and self.tenant is None and not self.tenant_of_key:
            raise ConfigurationError(
                f"{self.place}: to choose the values of a tenant, name the column that tells it: tenant="
            )

    @classmethod
    def plan(
        cls,
        table: str,
        column: str,
        *,
        schema: str = "public",
        dek: str | None = None,
        context: Context | str | None = None,
        type_: ValueType | str = ValueType.TEXT,
        accept: Version | int | None = None,
        tenant: str | None = None,
        tenant_of_key: bool = False,
        only_key: str | None = None,
        only_tenant: str | None = None,
        bind_row: Sequence[str] | None = None,
        mates: Iterable[tuple[str, str]] = (),
    ) -> Self:
        """A column's rotation. `dek`: the sibling, `<column>_dek` unless given; `context`: as in the model.

        `bind_row`: the columns of the primary key in the model's order, where it binds values to their row.

        Raises `ConfigurationError` for what can't be meant.
        """
        where = Context(table, column) if context is None else Context.of(context)
        older = None if accept is None else Version(accept)
        sibling = dek or f"{column}_dek"
        row = row_columns(bind_row, f"{table}.{column}")
        where = replace(where, bind_row=bool(row))
        what = (ValueType(type_), older, tenant, tenant_of_key, only_key, only_tenant, row)
        return cls(schema, table, column, sibling, where, *what, tuple(sorted(mates)))

    @property
    def names(self) -> frozenset[str]:
        """The columns that may be written: rows are not visited by them."""
        return frozenset((self.column, self.dek, *(name for name, _ in self.mates)))

    @property
    def contexts(self) -> dict[str, Context]:
        """Of each column whose content lies under the sibling's keys, by its name: its own first."""
        others = {name: replace(self.context, column=logical) for name, logical in self.mates}
        return {self.column: self.context, **others}
