"""Index keys in `envelope.key`: found by their names, and the first of each made."""

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, text

from ..blind import IndexName
from ..errors import KeyProviderError
from ..keyring.index_store import IndexRow
from ..keyring.index_views import STATE_SECONDS
from ..keyring.store import KekState, Make, WrappedKek
from .locks import lock_index, lock_tenant
from .rows import uuid_of

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

MARGIN_SECONDS = 60.0
"""What a step waits beyond the life of a view: a search that was made of one is sent within this time."""

_COLUMNS = "id, tenant, wrapped, wrapped_by, state, purpose"
_LIVE = "'pre-active', 'active', 'deactivated', 'revoked'"

_FIND = text(f"""
SELECT {_COLUMNS} FROM envelope.key AS found
JOIN unnest(CAST(:purposes AS text[]), CAST(:tenants AS text[])) AS wanted (of_purpose, of_tenant)
    ON purpose = of_purpose AND coalesce(tenant, '') = of_tenant
ORDER BY created_at DESC, id""")

_IS_ROTATING = text(f"""
SELECT EXISTS (SELECT FROM envelope.key WHERE purpose = CAST(:purpose AS text) AND state IN ({_LIVE})
    GROUP BY coalesce(tenant, '') HAVING count(*) > 1)""")

_STANDING = text(f"""
SELECT count(*) FILTER (WHERE state IN ({_LIVE})),
    CAST(extract(epoch FROM clock_timestamp() - max(destroyed_at)) AS float8)
FROM envelope.key WHERE purpose = CAST(:purpose AS text) AND coalesce(tenant, '') = CAST(:tenant AS text)
""")

_INSERT = text("""
INSERT INTO envelope.key (id, tenant, purpose, state, wrapped, wrapped_by)
VALUES (CAST(:id AS uuid), nullif(CAST(:tenant AS text), ''), CAST(:purpose AS text),
    CAST(:state AS text), CAST(:wrapped AS bytea[]), CAST(:wrapped_by AS text[]))""")


def find(connection: Connection, names: Collection[IndexName]) -> list[IndexRow]:
    """All keys of these names in whatever state, the newest of each first."""
    wanted = {
        "purposes": [name.purpose for name in names],
        "tenants": [name.tenant or "" for name in names],
    }
    return [index_row(row) for row in connection.execute(_FIND, wanted)]


def is_rotating(connection: Connection, purpose: str) -> bool:
    """Whether any tenant has two keys of this purpose that are searched by."""
    return bool(connection.execute(_IS_ROTATING, {"purpose": purpose}).scalar())


def make_first(connection: Connection, name: IndexName, make: Make) -> None:
    """The first key of a name, active at once; nothing where it has one that is not destroyed."""
    lock_tenant(connection, name.tenant)  # whoever destroys all keys of a tenant then sees this one
    lock_index(connection, name)
    standing, idle = connection.execute(_STANDING, of_name(name)).one()
    if standing:
        return
    if idle is not None and idle < STATE_SECONDS + MARGIN_SECONDS:
        raise KeyProviderError(
            f"the key of {name.place} was destroyed {idle:.0f} seconds ago, and a process may still hold it:"
            f" another can be made in {STATE_SECONDS + MARGIN_SECONDS - idle:.0f} seconds",
            retryable=True,
        )
    insert(connection, name, KekState.ACTIVE, make(uuid4()))


def insert(connection: Connection, name: IndexName, state: KekState, key: WrappedKek) -> None:
    """A new row, in the connection's transaction. Its caller holds `lock_index`."""
    cells = {"wrapped": list(key.cells), "wrapped_by": list(key.names)}
    connection.execute(_INSERT, {"id": key.id, "state": state.value, **of_name(name), **cells})


def of_name(name: IndexName) -> dict[str, str]:
    """A name as parameters."""
    return {"purpose": name.purpose, "tenant": name.tenant or ""}


def index_row(row: Any) -> IndexRow:
    """Of the columns above, in their order."""
    id_, tenant, wrapped, wrapped_by, state, purpose = row
    cells = tuple(bytes(each) for each in wrapped)
    return IndexRow(uuid_of(id_), tenant, cells, tuple(wrapped_by), purpose, KekState(state))
