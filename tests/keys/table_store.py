"""The store of the table, with the counters and levers that the one in memory has."""

import threading
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from sqlalchemy_envelope.errors import EnvelopeError
from sqlalchemy_envelope.keyring.store import KekRow, KekState, Make
from sqlalchemy_envelope.keystore import SqlKeyStore


class TableStore(SqlKeyStore):
    """Counts and fails as `MemoryStore` does."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.finds = self.reserves = self.actives = 0
        self.found: list[int] = []
        self.error: EnvelopeError | None = None
        self._engine = engine
        self._counts = threading.Lock()

    def find(self, ids: Collection[UUID]) -> list[KekRow]:
        """The keys of these ids."""
        self._count("finds")
        self.found.append(len(ids))
        return super().find(ids)

    def active(self, tenants: Collection[str | None] | None = None) -> list[KekRow]:
        """The active keys."""
        self._count("actives")
        return super().active(tenants)

    def reserve(self, tenant: str | None, wraps: int, max_age: float, make: Make) -> KekRow:
        """The tenant's active key with more wraps reserved."""
        self._count("reserves")
        return super().reserve(tenant, wraps, max_age, make)

    def become(self, state: KekState, tenant: str | None = None) -> None:
        """Put the tenant's keys in this state."""
        gone = ", wrapped = '{}', wrapped_by = '{}'" if state is KekState.DESTROYED else ""
        change = f"UPDATE envelope.key SET state = :state{gone} WHERE coalesce(tenant, '') = :tenant"
        self._do(change, state=str(state), tenant=tenant or "")

    def set_wraps(self, wraps: int) -> None:
        """Have so many reserved on every key."""
        self._do("UPDATE envelope.key SET wraps = :wraps", wraps=wraps)

    def grow_older(self, seconds: float) -> None:
        """Have all keys made so much earlier."""
        self._do("UPDATE envelope.key SET created_at = created_at - make_interval(secs => :by)", by=seconds)

    def all(self) -> list[KekRow]:
        """Every key."""

        def ids(connection: Connection) -> list[UUID]:
            return list(connection.scalars(text("SELECT id FROM envelope.key")))

        return super().find(self._connections.run(ids))

    def _do(self, statement: str, **parameters: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def _count(self, what: str) -> None:
        with self._counts:
            setattr(self, what, getattr(self, what) + 1)
            if self.error is not None:
                raise self.error
