"""How many rows each index key has, found by PostgreSQL's own indexes: models need not be known for it.

Every column of a blind index has a plain or unique index of its own. So what begins with a key's tag is a
range of one, however many rows there are. One that lost it is known by the usual ending of its name.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ..errors import ConfigurationError
from ..keyring.index_store import TAG_BYTES
from .failures import lacks_privilege
from .row_security import every_row_or_an_error
from .rows import uuid_of

_AS_IT_IS = {"no_parameters": True}  # a percent sign in a name is none of the driver's

_ALL = "SELECT id FROM envelope.key WHERE purpose <> 'data' AND state <> 'destroyed'"

INDEXED = """
SELECT n.nspname, c.relname, a.attname
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.atttypid = 'bytea'::regtype AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm')
AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND NOT pg_is_other_temp_schema(n.oid)
AND (right(a.attname, 5) = '_bidx'
    OR EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum)
    OR EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) AS part
        JOIN pg_catalog.pg_index AS i ON i.indrelid = part.relid
        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = part.relid AND b.attnum = i.indkey[0]
        WHERE b.attname = a.attname))
ORDER BY 1, 2, 3"""


@dataclass(frozen=True)
class IndexUse:
    """Rows of a column that a key made the cells of. Physical names."""

    schema: str
    table: str
    column: str
    key: UUID
    rows: int

    @property
    def place(self) -> str:
        """`schema.table.column`."""
        return f"{self.schema}.{self.table}.{self.column}"


def index_usage(connection: Connection, keys: Collection[UUID] | None = None) -> list[IndexUse]:
    """The columns with rows under these index keys, or all, and how many, in the connection's transaction.

    Raises `ConfigurationError` where the role may not see every row.
    """
    if keys is None:
        keys = [uuid_of(id_) for id_ in connection.exec_driver_sql(_ALL).scalars()]
    if not keys:
        return []
    before = every_row_or_an_error(connection)
    columns = connection.exec_driver_sql(INDEXED).all()
    uses = [use for column in columns for use in _of_column(connection, column, keys)]
    connection.exec_driver_sql(f"SET LOCAL row_security = {before}")
    return uses


def _of_column(connection: Connection, column: Any, keys: Collection[UUID]) -> Iterator[IndexUse]:
    schema, table, name = column
    statement = " UNION ALL ".join(
        f"SELECT {number}, count(*) FROM {_quoted(schema)}.{_quoted(table)} WHERE {_range(name, key)}"
        for number, key in enumerate(keys)
    )
    try:
        rows = connection.exec_driver_sql(statement, execution_options=_AS_IT_IS).all()
    except Exception as error:
        if lacks_privilege(error):
            words = "the role needs SELECT there, and BYPASSRLS where it has row-level security"
            raise ConfigurationError(f"the rows of {schema}.{table} can't be counted: {words}") from error
        raise
    found = list(keys)
    for number, count in rows:
        if count:
            yield IndexUse(schema, table, name, found[number], count)


def _range(column: str, key: UUID) -> str:
    """What begins with the key's tag, as a btree finds it."""
    start = key.bytes[:TAG_BYTES]
    after = int.from_bytes(start, "big") + 1
    lower = f"{_quoted(column)} >= '\\x{start.hex()}'::bytea"
    if after >> (8 * TAG_BYTES):
        return lower
    return f"{lower} AND {_quoted(column)} < '\\x{after.to_bytes(TAG_BYTES, 'big').hex()}'::bytea"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
