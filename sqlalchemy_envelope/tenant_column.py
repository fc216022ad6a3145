"""The column that names a row's tenant: what it can be, and the tenant's text that a value of it means."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, NCHAR, Column, Enum, Integer, String, Table, Uuid
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.sql.sqltypes import NullType
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from .errors import ConfigurationError, TenantError
from .tenancy import canonical
from .types import EncryptedType

_PADDED = (CHAR, NCHAR)
_BYTEWISE = frozenset({"C", "POSIX", "ucs_basic", "pg_c_utf8"})
_HOOKS = ["process_bind_param", "process_result_value", "process_literal_param", "bind_expression"]
_HOOKS += ["column_expression", "bind_processor", "result_processor"]
_OF_THE_DATABASE: dict[str, Callable[[Column[Any]], bool]] = {
    "onupdate": lambda column: column.onupdate is not None,
    "server_onupdate": lambda column: column.server_onupdate is not None,
    "Computed": lambda column: column.computed is not None,
    "Identity": lambda column: column.identity is not None,
    "ON UPDATE of its foreign key": lambda column: _follows(column, "onupdate"),
    "ON DELETE SET NULL or DEFAULT": lambda column: _follows(column, "ondelete", but="CASCADE"),
}


def tenant_column(table: Table, column: Column[Any]) -> Column[Any] | None:
    """The column that an encrypted one names with `tenant=`; None where it names none.

    Raises `ConfigurationError` where the table has no such column, or one whose text in PostgreSQL may be
    another than that of its Python value.
    """
    declared: EncryptedType[Any] = column.type  # type: ignore[assignment]
    name = declared.tenant
    if not isinstance(name, str):
        return None
    by_name = next((each for each in table.c if each.name == name), None)
    found = table.c.get(name) if by_name is None else by_name
    if found is None:
        raise ConfigurationError(
            f'{table.name}.{column.name} has tenant="{name}", which is no column of {table.name}: name one '
            "that is declared by the time the table is complete"
        )
    check_tenant_column(table, column, found)
    return found


def check_tenant_column(table: Table, column: Column[Any], found: Column[Any]) -> None:
    """That one value of it means one tenant. Raises `ConfigurationError`."""
    why = unfit(found)
    if why:
        raise ConfigurationError(
            f"{table.name}.{found.name} can't be the tenant of {column.name}: {why}; use a plain column of "
            "type Integer, String, Text or Uuid"
        )


def unfit(column: Column[Any], *, identity: bool = False) -> str:
    """Why values can't be bound to what a column has; empty where they can. `identity`: it may be one."""
    for what, given in _OF_THE_DATABASE.items():
        if given(column) and not (identity and what == "Identity"):
            return f"with {what} it would change, and nothing be encrypted anew"
    type_ = stored_type(column.type)
    name = type(column.type).__name__
    if isinstance(type_, NullType):
        return "its type is not known yet; name one beside its foreign key"
    if isinstance(type_, Integer):
        return ""
    if isinstance(type_, Uuid):
        return "" if type_.native_uuid else "it is stored as CHAR"
    if not isinstance(type_, String) or isinstance(type_, Enum | EncryptedType):
        return f"the text of {name} in PostgreSQL may be another than in Python"
    if isinstance(type_, (*_PADDED, CITEXT)) or type_.collation not in {None, *_BYTEWISE}:
        return f"{name} has several spellings of one value"
    return ""


def _follows(column: Column[Any], when: str, but: str = "") -> bool:
    """Whether the database changes it with the row that its foreign key leads to."""
    actions = {str(getattr(each, when) or "").upper() for each in column.foreign_keys}
    return not actions <= {"", "NO ACTION", "RESTRICT", but}


def stored_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type that PostgreSQL has; a decorator's own where it changes no value, else the decorator."""
    type_ = type_._variant_mapping.get("postgresql", type_)
    while isinstance(type_, TypeDecorator) and not isinstance(type_, EncryptedType):
        if any(getattr(type(type_), name) is not getattr(TypeDecorator, name) for name in _HOOKS):
            break
        type_ = type_.load_dialect_impl(postgresql())  # type: ignore[no-untyped-call]
    return type_


class TenantText:
    """Values of one tenant column as tenants, and the other way round."""

    def __init__(self, column: Column[Any]) -> None:
        self._place = f"{column.table.name}.{column.name}"
        self._type = stored_type(column.type)

    def of(self, value: Any) -> str:
        """The tenant, as PostgreSQL's `column::text` has it. Raises `TenantError` for another type."""
        type_ = self._type
        try:
            if isinstance(type_, String) and isinstance(value, str):
                return self._fitting(canonical(value), type_.length)
            if isinstance(type_, Integer) and not isinstance(value, str | UUID):
                return canonical(value)
            if isinstance(type_, Uuid) and isinstance(value, str | UUID):
                return canonical(value if isinstance(value, UUID) else UUID(value))
        except (TenantError, ValueError):
            pass
        raise TenantError(f"{self._place} is a tenant's column and takes {self._kind}, of the column's type")

    def value(self, tenant: str) -> Any:
        """The column's value of a tenant. Raises `TenantError` where it can't hold it."""
        try:
            value = self._parsed(tenant)
            if self.of(value) == tenant:
                return value
        except ValueError:
            pass
        raise TenantError(f"the tenant that the statement runs for is no value of {self._place}")

    def takes(self, type_: TypeEngine[Any]) -> bool:
        """Whether PostgreSQL gets a parameter of this type as its value is; a decorator may change it."""
        sent, own = stored_type(type_), self._type
        if isinstance(sent, Enum | TypeDecorator):
            return False
        return isinstance(sent, NullType) or sent._type_affinity is own._type_affinity

    def _parsed(self, tenant: str) -> Any:
        if isinstance(self._type, Integer):
            return int(tenant)
        if isinstance(self._type, Uuid):
            return UUID(tenant) if self._type.as_uuid else tenant
        return tenant

    def _fitting(self, text: str, length: int | None) -> str:
        if length is not None and len(text) > length:  # PostgreSQL would cut blanks off
            raise ValueError
        return text

    @property
    def _kind(self) -> str:
        kind = "int" if isinstance(self._type, Integer) else "str"
        return "UUID" if isinstance(self._type, Uuid) else kind
