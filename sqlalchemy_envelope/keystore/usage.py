"""How many values each key wraps, by SQL alone: one scan of each table that has encrypted columns."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection

from .. import wire
from ..errors import ConfigurationError
from ..wire import Wrap
from .failures import lacks_privilege
from .guards import Guard, guards
from .row_security import every_row_or_an_error

_AS_IT_IS = {"no_parameters": True}  # a percent sign in a name is none of the driver's
_MARK = f"E'\\\\x{bytes((wire.KEY_MAGIC, wire.VERSION)).hex()}'::bytea"


@dataclass(frozen=True)
class KeyUse:
    """Rows of a column whose data keys lie under one key: a static key, a KMS key or a KEK.

    Physical names. `key_id`: 16 bytes; of a KEK, those of its UUID.
    """

    schema: str
    table: str
    column: str
    dek: str
    wrap: Wrap
    key_id: bytes
    rows: int

    @property
    def place(self) -> str:
        """`schema.table.column`."""
        return f"{self.schema}.{self.table}.{self.column}"


def usage(connection: Connection, keks: Collection[UUID] | None = None) -> list[KeyUse]:
    """The use of every key, or of these KEKs only, in the connection's transaction.

    Columns are found by their guards, partitions are counted with their parents, values of versions 1 and 2
    name no key and are left out. Raises `ConfigurationError` where the role may not see every row.
    """
    if keks is not None and not keks:
        return []
    found = sorted(guards(connection), key=_table)
    before = every_row_or_an_error(connection)
    uses = [
        use
        for table, pairs in groupby(found, _table)
        for use in _of_table(connection, table, list(pairs), keks)
    ]
    connection.exec_driver_sql(f"SET LOCAL row_security = {before}")
    return uses


def _table(guard: Guard) -> tuple[str, str]:
    return guard.schema, guard.table


def _of_table(
    connection: Connection, table: tuple[str, str], pairs: list[Guard], keks: Collection[UUID] | None
) -> Iterator[KeyUse]:
    schema, name = table
    try:
        rows = connection.exec_driver_sql(_count_sql(table, pairs, keks), execution_options=_AS_IT_IS).all()
    except Exception as error:
        if lacks_privilege(error):
            words = "the role needs SELECT there, and BYPASSRLS where it has row-level security"
            raise ConfigurationError(f"the values of {schema}.{name} can't be counted: {words}") from error
        raise
    for number, wrap, key_id, count in rows:
        pair = pairs[number]
        yield KeyUse(schema, name, pair.content, pair.dek, Wrap(wrap), bytes(key_id), count)


def _count_sql(table: tuple[str, str], pairs: list[Guard], keks: Collection[UUID] | None) -> str:
    cells = ", ".join(f"({number}, rows.{_quoted(pair.dek)})" for number, pair in enumerate(pairs))
    wraps = ", ".join(str(int(wrap)) for wrap in (Wrap if keks is None else (Wrap.KEK,)))
    only = "" if keks is None else f" AND substr(dek, 4, 16) IN ({', '.join(map(_literal, keks))})"
    return (
        "SELECT number, get_byte(dek, 2), substr(dek, 4, 16), count(*)"
        f" FROM {'.'.join(map(_quoted, table))} AS rows"
        f" CROSS JOIN LATERAL (VALUES {cells}) AS cell (number, dek)"
        f" WHERE substr(dek, 1, 2) = {_MARK} AND get_byte(dek, 2) IN ({wraps}){only}"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(kek: UUID) -> str:
    return f"E'\\\\x{kek.bytes.hex()}'::bytea"
