"""A key's way from active to destroyed, each step in the caller's transaction and with a receipt.

Processes read a key's state again every `TieredKeyring(state_seconds=)`: until then they may go on with it.
A step takes effect with the caller's commit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..errors import ConfigurationError
from ..keyring.store import KekState
from .failures import translating
from .index_usage import index_usage
from .locks import lock_tenant
from .receipts import Act, Receipt, SignOff, write
from .rows import uuid_of
from .usage import usage
from .writers import older_writers

GRACE_SECONDS = 3600.0
"""How long after its deactivation a key may still be in use by a process that has not looked since."""

_KEY = text("""
SELECT id, tenant, purpose, state,
    CAST(extract(epoch FROM clock_timestamp() - deactivated_at) AS float8) AS idle
FROM envelope.key WHERE id = CAST(:id AS uuid) FOR UPDATE""")

_INDEX_KEYS = text("SELECT id FROM envelope.key WHERE id = ANY (CAST(:ids AS uuid[])) AND purpose <> 'data'")

_OF_TENANT = text("SELECT id FROM envelope.key WHERE tenant = CAST(:tenant AS text) AND state <> 'destroyed'")

_REVOKE = text("""
UPDATE envelope.key
SET state = 'revoked', revoked_at = now(), deactivated_at = coalesce(deactivated_at, now()), settled_at = NULL
WHERE id = CAST(:id AS uuid)""")

_REINSTATE = text("""
UPDATE envelope.key AS back SET revoked_at = NULL, settled_at = NULL, state = CASE
    WHEN purpose = 'data' OR EXISTS (SELECT FROM envelope.key AS other WHERE other.purpose = back.purpose
        AND coalesce(other.tenant, '') = coalesce(back.tenant, '') AND other.state = 'active')
    THEN 'deactivated' ELSE 'active' END
WHERE id = CAST(:id AS uuid)""")
"""An index key that was revoked while active is so again: no other was made meanwhile."""

_DESTROY = text("""
UPDATE envelope.key SET state = 'destroyed', destroyed_at = now(), wrapped = '{}', wrapped_by = '{}',
    deactivated_at = coalesce(deactivated_at, now())
WHERE id = CAST(:id AS uuid)""")


def revoke(connection: Connection, key: UUID, *, by: str, reason: str) -> Receipt:
    """No process opens with the key once it looks again, until it is reinstated; new values get a new key."""
    signed = SignOff(by, reason)
    with translating():
        row = _locked(connection, key, KekState.ACTIVE, KekState.DEACTIVATED)
        connection.execute(_REVOKE, {"id": key})
        return write(connection, row, Act.REVOKE, signed)


def reinstate(connection: Connection, key: UUID, *, by: str, reason: str) -> Receipt:
    """A revoked key opens again what it wrapped; it wraps no more. An index key is what it was before."""
    signed = SignOff(by, reason)
    with translating():
        row = _locked(connection, key, KekState.REVOKED)
        connection.execute(_REINSTATE, {"id": key})
        return write(connection, row, Act.REINSTATE, signed)


def shred(
    connection: Connection, key: UUID | None = None, *, tenant: str | None = None, by: str, reason: str
) -> list[Receipt]:
    """Destroys one key, or all of a tenant's: nothing opens any more what they wrapped.

    Scans every table with encrypted columns, to say in the receipts how many values that were. Raises
    `ConfigurationError` for a key that is unknown or destroyed already. Older copies of the wrapped bytes are
    another matter: backups, replicas, WAL, and the table itself until VACUUM (docs/destruction.md).
    """
    signed = SignOff(by, reason)
    if (key is None) == (tenant is None):
        raise ConfigurationError("shred takes a key's id or tenant=, one of them")
    with translating():
        if key is None:
            lock_tenant(connection, tenant)
        of_tenant = connection.execute(_OF_TENANT, {"tenant": tenant}).scalars()
        doomed: Sequence[UUID] = [key] if key is not None else sorted(map(uuid_of, of_tenant))
        if not doomed:
            raise ConfigurationError(f"tenant {tenant!r} has no key that is not destroyed")
        rows = rows_under(connection, doomed)  # before these are locked, which writers would wait for
        return [_destroyed(connection, each, rows[each], signed) for each in doomed]


def retire(connection: Connection, key: UUID, *, by: str = "", grace: float = GRACE_SECONDS) -> Receipt:
    """Destroys a deactivated key that wraps nothing any more.

    Refused while a value is under it, for `grace` seconds after its deactivation, and while a transaction
    from before then still writes. Looks at this database only. `by`: the database role unless given.
    """
    with translating():
        row = _locked(connection, key, KekState.DEACTIVATED)
        if row.purpose != "data":
            raise ConfigurationError(f"key {key} is an index's: `sqlalchemy-envelope index-keys retire`")
        _refuse_recent(connection, row, grace)
        uses = usage(connection, [key])
        if uses:
            listed = ", ".join(f"{use.place} ({use.rows:,})" for use in uses)
            raise ConfigurationError(
                f"key {key} still wraps values: {listed}; move them to another key first"
            )
        role = connection.exec_driver_sql("SELECT session_user").scalar()
        connection.execute(_DESTROY, {"id": key})
        return write(connection, row, Act.DESTROY, SignOff(by or str(role), "retired: it wraps no value"), {})


def rows_under(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, Counter[str]]:
    """How many values of which column each key has: those it wraps, and those it indexes."""
    rows: dict[UUID, Counter[str]] = {key: Counter() for key in keys}
    for use in usage(connection, keys):
        rows[UUID(bytes=use.key_id)][use.place] += use.rows
    of_indexes = connection.execute(_INDEX_KEYS, {"ids": list(keys)}).scalars()
    for indexed in index_usage(connection, [uuid_of(id_) for id_ in of_indexes]):
        rows[indexed.key][indexed.place] += indexed.rows
    return rows


def _destroyed(connection: Connection, key: UUID, rows: Mapping[str, int], signed: SignOff) -> Receipt:
    row = _locked(connection, key, *(state for state in KekState if state is not KekState.DESTROYED))
    connection.execute(_DESTROY, {"id": key})
    return write(connection, row, Act.DESTROY, signed, rows)


def _locked(connection: Connection, key: UUID, *states: KekState) -> Any:
    """The key's row, which nobody else changes until the transaction ends. Refused in other states."""
    row = connection.execute(_KEY, {"id": key}).one_or_none()
    if row is None:
        raise ConfigurationError(f"there is no key {key}; `sqlalchemy-envelope keys list` has them")
    if row.state not in states:
        raise ConfigurationError(f"key {key} is {row.state}, not {' or '.join(states)}")
    return row


def _refuse_recent(connection: Connection, row: Any, grace: float) -> None:
    """A count of zero is worth nothing while a process may still wrap, or has not yet committed."""
    if connection.exec_driver_sql("SHOW transaction_isolation").scalar() != "read committed":
        raise ConfigurationError("a key is retired at READ COMMITTED: an older snapshot would miss values")
    if row.idle < grace:
        words = (
            f"{row.idle:.0f} seconds ago, and processes may go on with it for a while: wait for {grace:.0f}"
        )
        raise ConfigurationError(f"key {row.id} was deactivated {words}")
    if older_writers(connection, row.idle - grace):
        words = "a transaction older than its deactivation still writes, or is prepared"
        raise ConfigurationError(f"key {row.id}: {words}")
