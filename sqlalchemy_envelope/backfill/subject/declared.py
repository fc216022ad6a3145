"""The blind indexes that a model declares, as they are filled."""

from typing import Any

from ...errors import ConfigurationError
from ...pairs import Pair, indexed_with
from ...tenancy import Tenancy
from .fill import Fill, Part


def fills_of(pair: Pair, schema: str | None = None) -> list[Fill]:
    """Of an encrypted column, in the order of its type's. Raises `ConfigurationError` for an older format."""
    return [_fill(pair, index, schema) for index in pair.type.indexes]


def _fill(pair: Pair, index: Any, schema: str | None) -> Fill:
    table: Any = pair.content.table
    parts = indexed_with(pair, index)
    for each in parts:
        if each.type.accept is not None:
            raise ConfigurationError(
                f"{table.name}.{each.content.name}: reencrypt values of an older version, then index them"
            )
    key = index.context(pair.type.reading.context).key
    return Fill.of(
        schema or table.schema or "public",
        str(table.name),
        index,
        key,
        tuple(Part(str(each.content.name), str(each.dek.name), each.type.reading.context) for each in parts),
        tenant=None if pair.tenant is None else str(pair.tenant.name),
        tenant_of_key=pair.type.tenancy is Tenancy.CONTEXT,
        row=tuple(str(each.name) for each in pair.row),
    )
