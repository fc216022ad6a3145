"""What may be known of the keys in the table: everything but their wrapped bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..keyring.store import KekState
from .failures import translating
from .rows import uuid_of

_KEYS = text("""
SELECT id, tenant, purpose, state, wrapped_by, wraps,
    created_at, deactivated_at, revoked_at, destroyed_at, rewrapped_at
FROM envelope.key
WHERE CAST(:tenant AS text) IS NULL OR tenant = CAST(:tenant AS text)
ORDER BY tenant NULLS FIRST, created_at, id""")


@dataclass(frozen=True)
class KeyFacts:
    """A key: `wrapped_by` names its providers' keys, `wraps` is how many are reserved.

    `purpose`: `data` for a key-encryption key, or `index:` and the name of a blind index's key.
    """

    id: UUID
    tenant: str | None
    purpose: str
    state: KekState
    wrapped_by: Sequence[str]
    wraps: int
    created_at: datetime
    deactivated_at: datetime | None
    revoked_at: datetime | None
    destroyed_at: datetime | None
    rewrapped_at: datetime | None


def keys(connection: Connection, tenant: str | None = None) -> list[KeyFacts]:
    """The keys of one tenant, or all; a tenant's from oldest to newest."""
    with translating():
        found = connection.execute(_KEYS, {"tenant": tenant}).all()
    return [_facts(*row) for row in found]


def _facts(id_: Any, tenant: Any, purpose: str, state: str, wrapped_by: Any, *rest: Any) -> KeyFacts:
    return KeyFacts(uuid_of(id_), tenant, purpose, KekState(state), tuple(wrapped_by), *rest)
