"""A store of key-encryption keys in memory, with the semantics of the table: for tests without a database."""

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID, uuid4

from sqlalchemy_envelope.errors import EnvelopeError
from sqlalchemy_envelope.keyring.store import MAX_WRAPS, KekRow, KekState, Make, WrappedKek


class MemoryStore:
    """Counts `finds`, `reserves`, `actives`; raises `error` while it has one. By `clock` its keys get old."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows: dict[UUID, KekRow] = {}
        self.born: dict[UUID, float] = {}
        self.finds = self.reserves = self.actives = 0
        self.found: list[int] = []
        self.error: EnvelopeError | None = None
        self._clock = clock
        self._counts, self._table = threading.Lock(), threading.Lock()

    def find(self, ids: Collection[UUID]) -> list[KekRow]:
        """The keys of these ids."""
        self._count("finds")
        self.found.append(len(ids))
        with self._table:
            return [self._aged(self.rows[id_]) for id_ in ids if id_ in self.rows]

    def active(self, tenants: Collection[str | None] | None = None) -> list[KekRow]:
        """The active keys."""
        self._count("actives")
        with self._table:
            rows = [row for row in self.rows.values() if row.state is KekState.ACTIVE]
            return [self._aged(row) for row in rows if tenants is None or row.tenant in tenants]

    def reserve(self, tenant: str | None, wraps: int, max_age: float, make: Make) -> KekRow:
        """The tenant's active key with more wraps reserved, made where there is none of use."""
        self._count("reserves")
        with self._table:
            row = next((each for each in self.rows.values() if self._writes(each, tenant)), None)
            if row is not None and (self._aged(row).age >= max_age or row.wraps + wraps > MAX_WRAPS):
                self.rows[row.id] = replace(row, state=KekState.DEACTIVATED)
                row = None
            return self._set(self._made(make(uuid4())) if row is None else row, wraps)

    def become(self, state: KekState, tenant: str | None = None) -> None:
        """Put the tenant's keys in this state."""
        for row in list(self.rows.values()):
            if row.tenant == tenant:
                cells = () if state is KekState.DESTROYED else row.cells
                self.rows[row.id] = replace(row, state=state, cells=cells)

    def set_wraps(self, wraps: int) -> None:
        """Have so many reserved on every key."""
        self.rows = {id_: replace(row, wraps=wraps) for id_, row in self.rows.items()}

    def all(self) -> list[KekRow]:
        """Every key."""
        return list(self.rows.values())

    def _made(self, kek: WrappedKek) -> KekRow:
        self.born[kek.id] = self._clock()
        return KekRow(kek.id, kek.tenant, tuple(kek.cells), tuple(kek.names), KekState.ACTIVE, 0, 0.0)

    def _set(self, row: KekRow, more: int) -> KekRow:
        self.rows[row.id] = replace(row, wraps=row.wraps + more)
        return self._aged(self.rows[row.id])

    def _writes(self, row: KekRow, tenant: str | None) -> bool:
        return row.tenant == tenant and row.state is KekState.ACTIVE

    def _aged(self, row: KekRow) -> KekRow:
        return replace(row, age=self._clock() - self.born[row.id])

    def _count(self, what: str) -> None:
        with self._counts:
            setattr(self, what, getattr(self, what) + 1)
            if self.error is not None:
                raise self.error
