"""Advisory locks: of all processes one makes a tenant's or an index's key, and the others wait for it."""

import hashlib

from sqlalchemy import Connection, text

from ..blind import IndexName

_LOCK = text("SELECT pg_advisory_xact_lock(CAST(:lock AS bigint))")


def lock_tenant(connection: Connection, tenant: str | None) -> None:
    """Until the transaction ends, nobody else makes a key for this tenant."""
    _lock(connection, f"kek\0{tenant or ''}")


def lock_index(connection: Connection, name: IndexName) -> None:
    """Until the transaction ends, nobody else makes or changes a key of this index."""
    _lock(connection, f"{name.purpose}\0{name.tenant or ''}")


def _lock(connection: Connection, what: str) -> None:
    digest = hashlib.sha256(f"sqlalchemy-envelope/{what}".encode()).digest()
    connection.execute(_LOCK, {"lock": int.from_bytes(digest[:8], "big", signed=True)})
