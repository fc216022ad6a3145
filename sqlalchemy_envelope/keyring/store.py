"""Where key-encryption keys lie, wrapped: what a keyring of tiers asks of the table `envelope.key`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ..context import KekContext

MAX_WRAPS = 2**32
"""Keys that one key-encryption key may wrap with random nonces (NIST SP 800-38D, section 8.3)."""


class KekState(StrEnum):
    """Where a key is in its life (after NIST SP 800-57 Part 1, section 7)."""

    PRE_ACTIVE = "pre-active"
    """Of an index key: every process searches by it, and none writes with it yet."""
    ACTIVE = "active"
    """Wraps and unwraps; at most one a tenant. An index key: what new rows are indexed with."""
    DEACTIVATED = "deactivated"
    """Unwraps what it wrapped, and wraps no more. An index key: is searched by, until no row is left."""
    REVOKED = "revoked"
    """Does neither, until it is reinstated."""
    DESTROYED = "destroyed"
    """Its wrapped bytes are gone; the row stays, for its id and its times."""


@dataclass(frozen=True)
class WrappedKek:
    """A key-encryption key as its providers wrapped it: a cell each, and what people call their keys."""

    id: UUID
    tenant: str | None
    cells: Sequence[bytes]
    names: Sequence[str]

    @property
    def context(self) -> KekContext:
        """What every cell is bound to."""
        return KekContext(self.id, self.tenant)


@dataclass(frozen=True)
class KekRow(WrappedKek):
    """One row of the table. `wraps`: how many are reserved; `age`: seconds since it was made."""

    state: KekState
    wraps: int
    age: float


Make = Callable[[UUID], WrappedKek]
"""Makes a new key of the given id, by a call to its provider."""


class KeyStore(Protocol):
    """Reads and writes keys, each call in a transaction of its own. Blocks: called from worker threads.

    Raises `ConfigurationError` where there is no table, `KeyProviderError` (retryable) where there is no
    database.
    """

    def find(self, ids: Collection[UUID]) -> list[KekRow]:
        """The keys of these ids, in whatever state; those that are unknown are left out."""

    def active(self, tenants: Collection[str | None] | None = None) -> list[KekRow]:
        """The active keys of these tenants, or of all."""

    def reserve(self, tenant: str | None, wraps: int, max_age: float, make: Make) -> KekRow:
        """The tenant's active key, with `wraps` more reserved on it.

        Where there is none, or it is older than `max_age` seconds or would exceed 2^32 wraps, it is
        deactivated and `make` is called for the next: by one of all processes that ask, while the others
        wait for it.
        """
