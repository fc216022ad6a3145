"""`SqlKeyStore`: key-encryption keys in `envelope.key`, each operation in a transaction of its own."""

from collections.abc import Collection
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import URL, Connection, text

from ..blind import IndexName
from ..errors import ConfigurationError
from ..keyring.index_store import IndexRow
from ..keyring.store import MAX_WRAPS, KekRow, Make, WrappedKek
from . import index_rows
from .connections import Connections
from .locks import lock_tenant
from .rows import COLUMNS, kek_row

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_FIND = text(f"SELECT {COLUMNS} FROM envelope.key WHERE id = ANY (CAST(:ids AS uuid[]))")

_ACTIVE = f"SELECT {COLUMNS} FROM envelope.key WHERE state = 'active' AND purpose = 'data'"
_ALL_ACTIVE = text(_ACTIVE)
_TENANTS_ACTIVE = text(_ACTIVE + " AND coalesce(tenant, '') = ANY (CAST(:tenants AS text[]))")

_RESERVE = text(f"""
UPDATE envelope.key SET wraps = wraps + CAST(:wraps AS bigint)
WHERE coalesce(tenant, '') = CAST(:tenant AS text) AND purpose = 'data' AND state = 'active'
AND extract(epoch FROM clock_timestamp() - created_at) < CAST(:max_age AS float8)
AND wraps + CAST(:wraps AS bigint) <= {MAX_WRAPS}
RETURNING {COLUMNS}""")

_DEACTIVATE = text("""
UPDATE envelope.key SET state = 'deactivated', deactivated_at = now()
WHERE coalesce(tenant, '') = CAST(:tenant AS text) AND purpose = 'data' AND state = 'active'""")

_INSERT = text(f"""
INSERT INTO envelope.key (id, tenant, state, wrapped, wrapped_by, wraps)
VALUES (CAST(:id AS uuid), nullif(CAST(:tenant AS text), ''), 'active',
    CAST(:wrapped AS bytea[]), CAST(:wrapped_by AS text[]), CAST(:wraps AS bigint))
RETURNING {COLUMNS}""")


class SqlKeyStore:
    """The table `envelope.key` of the database of `source`: an `Engine`, an `AsyncEngine` or a URL.

    Implements `keyring.store.KeyStore` and `keyring.index_store.IndexStore`. Connections are made as the
    engine's are, and apart from its pool: at most two at once, each for one short transaction at READ
    COMMITTED. Locks end with their transaction, so a PgBouncer in transaction mode is fine. An `AsyncEngine`
    whose `async_creator` is bound to an event loop can't be used from another thread: give a URL or a plain
    `Engine` then.
    """

    def __init__(self, source: Any) -> None:
        self._connections = Connections(source)

    @property
    def url(self) -> URL:
        """Where it is, with the password: not for messages."""
        return self._connections.url

    def find(self, ids: Collection[UUID]) -> list[KekRow]:
        """The keys of these ids, in whatever state; those that are unknown are left out."""
        wanted = list(ids)
        return self._read(_FIND, ids=wanted) if wanted else []

    def active(self, tenants: Collection[str | None] | None = None) -> list[KekRow]:
        """The active keys of these tenants, or of all."""
        if tenants is None:
            return self._read(_ALL_ACTIVE)
        named = [tenant or "" for tenant in tenants]
        return self._read(_TENANTS_ACTIVE, tenants=named) if named else []

    def reserve(self, tenant: str | None, wraps: int, max_age: float, make: Make) -> KekRow:
        """The tenant's active key, with `wraps` more reserved on it; made by `make` where there is none.

        So too where it is `max_age` seconds old or has no room for `wraps`. One process makes it and the
        others wait, for 15 seconds at most.
        """
        if not 0 < wraps <= MAX_WRAPS:
            raise ConfigurationError(f"a key-encryption key wraps 1 to {MAX_WRAPS:,} keys, not {wraps:,}")
        wanted = {"tenant": tenant or "", "wraps": wraps, "max_age": max_age}
        return self._connections.run(lambda connection: _reserve(connection, wanted, make))

    def index_keys(self, names: Collection[IndexName]) -> list[IndexRow]:
        """All index keys of these names in whatever state, the newest of each first."""
        return self._connections.run(lambda connection: index_rows.find(connection, names))

    def make_index_key(self, name: IndexName, make: Make) -> None:
        """The first index key of a name; nothing where it has one that is not destroyed."""
        self._connections.run(lambda connection: index_rows.make_first(connection, name, make))

    def is_rotating(self, purpose: str) -> bool:
        """Whether any tenant has two index keys of this purpose that are searched by."""
        return self._connections.run(lambda connection: index_rows.is_rotating(connection, purpose))

    def _read(self, statement: Any, **parameters: object) -> list[KekRow]:
        def read(connection: Connection) -> list[KekRow]:
            return [kek_row(row) for row in connection.execute(statement, parameters)]

        return self._connections.run(read)

    def __repr__(self) -> str:
        return f"SqlKeyStore({self.url.render_as_string(hide_password=True)!r})"


def replace_active(connection: Connection, kek: WrappedKek, wraps: int = 0) -> KekRow:
    """The tenant's new active key, in the connection's transaction; the one before it wraps no more.

    Its caller holds `lock_tenant`, so that no two make one at once.
    """
    tenant = kek.tenant or ""
    connection.execute(_DEACTIVATE, {"tenant": tenant})
    new = {"id": kek.id, "tenant": tenant, "wraps": wraps}
    cells = {"wrapped": list(kek.cells), "wrapped_by": list(kek.names)}
    return kek_row(connection.execute(_INSERT, new | cells).one())


def _reserve(connection: Connection, wanted: dict[str, Any], make: Make) -> KekRow:
    reserved = connection.execute(_RESERVE, wanted).one_or_none()
    if reserved is None:
        lock_tenant(connection, wanted["tenant"])
        reserved = connection.execute(_RESERVE, wanted).one_or_none()
    if reserved is not None:
        return kek_row(reserved)
    return replace_active(connection, make(uuid4()), wanted["wraps"])
