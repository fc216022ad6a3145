"""Columns that share a sibling: a row then has one data key for them all, wrapped once.

The salt gives each value its own encryption key, and the context its column, so that no value opens in
another column. What a data key is wrapped for has no column, but has to be the same for the whole group.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Table

from .context import Context
from .errors import ConfigurationError
from .tenant_column import tenant_column
from .types import EncryptedType


def sibling_name(column: Column[Any]) -> str:
    """The name of an encrypted column's sibling in the database."""
    return column.type.dek or f"{column.name}_dek"  # type: ignore[attr-defined]


def mates_of(table: Table, column: Column[Any]) -> list[Column[Any]]:
    """The other encrypted columns of a table that name the same sibling."""
    others = [each for each in table.c if each is not column and isinstance(each.type, EncryptedType)]
    return [each for each in others if sibling_name(each) == sibling_name(column)]


def context_of(table: Table, column: Column[Any], mates: list[Column[Any]]) -> Context:
    """The context of an encrypted column: as pinned, else its place.

    In a group the `key` is the one that any of its contexts names, else the sibling's name. Raises
    `ConfigurationError` where one data key can't serve them all.
    """
    own = _declared(table, column)
    if not mates:
        return own
    for mate in mates:
        _check_alike(table, column, mate)
    contexts = [own, *(_declared(table, mate) for mate in mates)]
    named = sorted({each.key for each in contexts if each.key != f"{each.column}_dek"})
    if len(named) > 1 or len({(each.table, each.tenant) for each in contexts}) > 1:
        alike = Context(own.table, own.column, named[0] if named else sibling_name(column))
        raise _unlike(
            table, column, mates[0], f"have one table, key and tenant in their contexts, such as {alike}"
        )
    return replace(own, key=named[0] if named else sibling_name(column))


def may_be_null(column: Column[Any], mates: list[Column[Any]]) -> bool:
    """Whether the sibling may: where all that it serves may, and where older rows have none."""
    return all(_may_be_null(each) for each in (column, *mates))


def _may_be_null(column: Column[Any]) -> bool:
    declared: EncryptedType[Any] = column.type  # type: ignore[assignment]
    pending = declared.moving is not None and declared.moving.pending
    return bool(column.nullable) or pending or declared.accept is not None


def _declared(table: Table, column: Column[Any]) -> Context:
    pinned: Context | None = column.type.context  # type: ignore[attr-defined]
    return pinned or Context(table.name, column.name)


def _check_alike(table: Table, column: Column[Any], mate: Column[Any]) -> None:
    types: list[EncryptedType[Any]] = [column.type, mate.type]  # type: ignore[list-item]
    if any(each.accept is not None for each in types):
        raise _unlike(table, column, mate, "have no accept=: older versions have a key for each value")
    if types[0].bind_row is not types[1].bind_row:
        raise _unlike(table, column, mate, "have bind_row= both or neither")
    tenants = [tenant_column(table, each) for each in (column, mate)]
    if types[0].tenancy is not types[1].tenancy or tenants[0] is not tenants[1]:
        raise _unlike(table, column, mate, "name the same tenant=")


def _unlike(table: Table, column: Column[Any], mate: Column[Any], wanted: str) -> ConfigurationError:
    dek = sibling_name(column)
    return ConfigurationError(
        f"{table.name}.{dek} is the sibling of {mate.name} and of {column.name}, which then have to "
        f"{wanted}; or give each its own dek="
    )
