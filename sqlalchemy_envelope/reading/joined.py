"""The SQL of a pair read as one: both cells joined, the tenant of its row before them where it has one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import LargeBinary, bindparam

from ..errors import TenantError
from ..tenancy import OF_ROW, OF_STATEMENT, packed, tenant_of

OF_CONTEXT = bindparam("envelope_tenant", b"", type_=LargeBinary())
"""Stands before the pairs of a column with `TENANT`: whose they are, packed."""

EXPECTED = bindparam("envelope_expected", b"", type_=LargeBinary())
"""Stands before the tenants of rows: the one that the statement runs for, or nothing."""

PARAMETERS = frozenset({str(OF_CONTEXT.key), str(EXPECTED.key)})


def alternatives(
    dek: str, content: str, *, older: bool = False, shared: bool = False, before: str = ""
) -> list[str]:
    """What a pair is read by, the first that is not NULL; `before` is SQL for what comes before a pair.

    A lone cell stays visible, so that it is an error and never a NULL; so does a pair whose tenant is NULL.
    `older`: the column takes a version that may have no sibling. `shared`: the sibling serves other columns
    too, so by itself it says nothing of this one.
    """
    pairs = [f"{dek} || {content}"] + ([f"'\\x00'::bytea || {content}"] if older else [])
    alone = ([] if shared else [dek]) + ([] if older else [content])
    return [*([f"{before} || {each}" for each in pairs] if before else []), *pairs, *alone]


def row_tenant(column: str) -> str:
    """The tenant of a row before its pair: `tenancy.packed`, in SQL."""
    name = f"convert_to({column}::text, 'UTF8')"
    return f"'\\x{OF_ROW:02x}'::bytea || int2send(octet_length({name})::int2) || {name}"


def tenant_parameters(places: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, bytes]:
    """Values for our parameters of a statement, each read for the place that stands beside its name.

    Raises `TenantError` where one needs a tenant and there is none.
    """
    tenant = tenant_of(options)
    if tenant is None and OF_CONTEXT.key in places:
        raise TenantError(
            f"{places[str(OF_CONTEXT.key)]} is read for one tenant and there is none: execute it inside "
            "`with tenant(...)`, or with execution_options(tenant=...)"
        )
    magic = {str(OF_CONTEXT.key): OF_ROW, str(EXPECTED.key): OF_STATEMENT}
    return {name: b"" if tenant is None else packed(tenant, magic[name]) for name in places}
