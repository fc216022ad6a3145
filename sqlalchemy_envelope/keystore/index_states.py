"""An index key's way: pre-active, active, deactivated, destroyed; a step once all processes know the last.

A process goes by what it read of an index's keys for `STATE_SECONDS` at most. So a step waits for longer than
that since the last one could be read by all, which is noted after its commit: a time noted within it
would be earlier. Searches find every row all along, as no key is written with before all search by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..blind import IndexName
from ..errors import ConfigurationError
from ..keyring.index_store import TAG_BYTES
from ..keyring.index_views import STATE_SECONDS
from ..keyring.store import KekState, WrappedKek
from .index_rows import MARGIN_SECONDS, insert, of_name
from .index_usage import index_usage
from .locks import lock_index
from .receipts import Act, Receipt, SignOff, write
from .rows import uuid_of
from .writers import older_writers

WAIT_SECONDS = STATE_SECONDS + MARGIN_SECONDS
"""Between two steps: longer than any process goes by what it read before the first."""

_KEYS = text("""
SELECT id, tenant, purpose, state,
    CAST(extract(epoch FROM clock_timestamp() - settled_at) AS float8) AS settled, emptied_at
FROM envelope.key WHERE purpose = CAST(:purpose AS text) AND coalesce(tenant, '') = CAST(:tenant AS text)
AND state <> 'destroyed' ORDER BY created_at, id FOR UPDATE""")

_SETTLE = text("""
UPDATE envelope.key SET settled_at = clock_timestamp()
WHERE purpose = CAST(:purpose AS text) AND coalesce(tenant, '') = CAST(:tenant AS text)
AND settled_at IS NULL""")

_DEACTIVATE = text("""
UPDATE envelope.key SET state = 'deactivated', deactivated_at = now(), settled_at = NULL
WHERE id = CAST(:id AS uuid)""")

_ACTIVATE = text("""
UPDATE envelope.key SET state = 'active', settled_at = NULL WHERE id = CAST(:id AS uuid)""")

_EMPTIED = text("""
UPDATE envelope.key SET emptied_at = CASE WHEN CAST(:empty AS boolean) THEN clock_timestamp() END
WHERE id = CAST(:id AS uuid)""")

_DESTROY = text("""
UPDATE envelope.key SET state = 'destroyed', destroyed_at = now(), wrapped = '{}', wrapped_by = '{}'
WHERE id = CAST(:id AS uuid)""")

_READERS = text("""
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
AND xact_start < CAST(:emptied AS timestamptz) ORDER BY xact_start LIMIT 1""")
"""Whose snapshot may still have rows under the key."""


@dataclass(frozen=True)
class NotYet:
    """Why a step has to wait, and for how many seconds if that is known."""

    reason: str
    seconds: float | None = None


def of_index(connection: Connection, name: IndexName) -> list[Any]:
    """The keys of an index that are not destroyed, oldest first; nobody else changes them meanwhile."""
    lock_index(connection, name)
    return list(connection.execute(_KEYS, of_name(name)))


def settle(connection: Connection, name: IndexName) -> None:
    """Notes that what was committed before can be read by all: in a transaction after that of the step."""
    connection.execute(_SETTLE, of_name(name))


def refuse_begin(rows: Sequence[Any], name: IndexName) -> None:
    """That a rotation may begin: there is a key, and no other is on its way. `ConfigurationError`."""
    states = [row.state for row in rows]
    if KekState.REVOKED in states:
        raise ConfigurationError(f"{name.place} has a revoked key: reinstate or shred it first")
    if KekState.PRE_ACTIVE in states:
        raise ConfigurationError(f"a rotation of {name.place} is under way: activate its pre-active key")
    if not states:
        raise ConfigurationError(f"{name.place} has no key yet: the first value that is written makes one")


def begin(connection: Connection, name: IndexName, key: WrappedKek) -> None:
    """A pre-active key, which every process searches by from `STATE_SECONDS` after the commit on.

    `settle` in the next transaction. Raises `ConfigurationError`, and where the key's id begins as another's.
    """
    rows = of_index(connection, name)
    refuse_begin(rows, name)
    if any(uuid_of(row.id).bytes[:TAG_BYTES] == key.id.bytes[:TAG_BYTES] for row in rows):
        raise ConfigurationError(f"{name.place}: another key's id begins as the new one's: begin again")
    insert(connection, name, KekState.PRE_ACTIVE, key)


def activate(connection: Connection, name: IndexName, after: float = WAIT_SECONDS) -> UUID | NotYet:
    """The pre-active key is written with from now on; the one before is searched by. `settle` afterwards.

    Not before it could be read by all for `after` seconds. Raises `ConfigurationError` where there is none.
    """
    rows = of_index(connection, name)
    new = next((row for row in rows if row.state == KekState.PRE_ACTIVE), None)
    if new is None:
        raise ConfigurationError(f"{name.place} has no pre-active key: begin a rotation first")
    if any(row.state == KekState.REVOKED for row in rows):
        raise ConfigurationError(f"{name.place} has a revoked key: reinstate or shred it first")
    waits = _settling(new, name, after)
    if waits is not None:
        return waits
    for row in rows:
        if row.state == KekState.ACTIVE:
            connection.execute(_DEACTIVATE, {"id": row.id})
    connection.execute(_ACTIVATE, {"id": new.id})
    return uuid_of(new.id)


def retire(
    connection: Connection, name: IndexName, after: float = WAIT_SECONDS, by: str = ""
) -> list[Receipt] | NotYet:
    """Destroys the deactivated keys of an index that no row is under, with receipts.

    Not before every process writes with the active one for `after` seconds; not while a row is under one, and
    not while a transaction still runs whose snapshot may have one. Each is found empty first, and destroyed
    by a later call: the caller commits in between.
    """
    old = [row for row in of_index(connection, name) if row.state == KekState.DEACTIVATED]
    if not old:
        raise ConfigurationError(f"{name.place} has no deactivated key")
    waits = [each for row in old if (each := _retiring(connection, row, name, after)) is not None]
    if waits:
        return waits[0]
    role = by or str(connection.exec_driver_sql("SELECT session_user").scalar())
    signed = SignOff(role, "retired: no row is under it")
    for row in old:
        connection.execute(_DESTROY, {"id": row.id})
    return [write(connection, row, Act.DESTROY, signed) for row in old]


def _settling(row: Any, name: IndexName, after: float) -> NotYet | None:
    if row.settled is None:
        return NotYet(f"the last step of {name.place} is only being noted", after)
    if row.settled < after:
        words = f"{row.settled:.0f} seconds ago, and processes go by what they read before"
        return NotYet(f"{name.place}: its last step was {words}: wait for {after:.0f}", after - row.settled)
    return None


def _retiring(connection: Connection, row: Any, name: IndexName, after: float) -> NotYet | None:
    waits = _settling(row, name, after)
    if waits is not None:
        return waits
    if older_writers(connection, row.settled - after):
        return NotYet(f"{name.place}: a transaction from before may still commit")
    id_ = uuid_of(row.id)
    used = index_usage(connection, [id_])
    if used:
        connection.execute(_EMPTIED, {"id": row.id, "empty": False})
        listed = ", ".join(f"{use.place} ({use.rows:,})" for use in used)
        return NotYet(f"rows are under key {id_} of {name.place}: {listed}; digest them anew first")
    if row.emptied_at is None:
        connection.execute(_EMPTIED, {"id": row.id, "empty": True})
        return NotYet(f"{name.place}: no row is under key {id_} any more; it goes by the next call", 0.0)
    reader = connection.execute(_READERS, {"emptied": row.emptied_at}).scalar()
    if reader is not None:
        return NotYet(f"{name.place}: the transaction of backend {reader} may still see rows under key {id_}")
    return None
