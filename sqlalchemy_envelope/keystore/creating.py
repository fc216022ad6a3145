"""`metadata.create_all` on an attached engine: tables with blind indexes bring the tables of keys."""

from typing import Any

from sqlalchemy import Connection, Table, event

from ..attachment import attachment_of
from ..types import EncryptedType
from .schema import VERSION, install, installed_version


@event.listens_for(Table, "before_create")
def _bring_key_store(table: Table, connection: Connection, **_: Any) -> None:
    if attachment_of(connection.dialect) is not None and _is_indexed(table):
        bring_key_store(connection)


def bring_key_store(connection: Connection) -> None:
    """Makes the tables of keys where they are missing or older, in the connection's transaction."""
    if (installed_version(connection) or 0) < VERSION:
        install(connection)


def _is_indexed(table: Table) -> bool:
    return any(isinstance(each.type, EncryptedType) and each.type.indexes for each in table.c)
