"""Index keys read from their store and unwrapped by their providers, in a worker thread."""

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from ..blind import IndexName
from ..errors import EnvelopeError, Failure, decryption_error
from ..providers.provider import KeyProvider
from .custody import make_kek, unwrap_kek
from .index_store import IndexRow, IndexStore
from .index_view import IndexKey
from .rows import Clock
from .store import KekState, WrappedKek

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

LIVE = (KekState.ACTIVE, KekState.PRE_ACTIVE, KekState.DEACTIVATED)
"""Those that are searched by, the one that new rows get first."""

Read = tuple[list[IndexRow], float]
"""An index's keys, and when they were asked for."""


class IndexRows:
    """The keys of one wave's indexes: asked for by whichever call comes first, the others wait for that."""

    def __init__(self, store: Callable[[], IndexStore], clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._names: list[IndexName] = []
        self._lock = threading.Lock()
        self._found: list[IndexRow] | None = None
        self._error: EnvelopeError | None = None
        self._at = 0.0

    def want(self, name: IndexName) -> None:
        """One more, before any is read."""
        self._names.append(name)

    def __getitem__(self, name: IndexName) -> Read:
        with self._lock:
            if self._error is not None:
                raise copy.copy(self._error)
            if self._found is None:
                self._found = self._ask()
        return [row for row in self._found if row.name == name], self._at

    def made(self, name: IndexName, provider: KeyProvider) -> Read:
        """The same, once there is one that is not destroyed: made by `provider` if need be."""
        found, at = self[name]
        if any(row.state is not KekState.DESTROYED for row in found):
            return found, at

        def make(id_: UUID) -> WrappedKek:
            return make_kek(provider, id_, name.tenant)[1]

        store = self._store()
        store.make_index_key(name, make)
        at = self._clock()
        return store.index_keys([name]), at

    def _ask(self) -> list[IndexRow]:
        self._at = self._clock()
        try:
            return self._store().index_keys(self._names)
        except EnvelopeError as error:
            self._error = error
            raise


def live(rows: Sequence[IndexRow], name: IndexName) -> list[IndexRow]:
    """Those that are searched by, the active one first.

    Raises `RevokedError` where one is revoked: a search would miss what lies under it. `ShreddedError` where
    all are destroyed.
    """
    states = {row.state for row in rows}
    if KekState.REVOKED in states:
        raise decryption_error(Failure.REVOKED, name.place)
    if states == {KekState.DESTROYED}:
        raise decryption_error(Failure.SHREDDED, name.place)
    return sorted((row for row in rows if row.state in LIVE), key=lambda row: LIVE.index(row.state))


def opened(
    rows: Sequence[IndexRow], known: Mapping[UUID, IndexKey], providers: Sequence[KeyProvider], clock: Clock
) -> list[IndexKey]:
    """The keys of these rows: as `known`, else from `providers`."""
    return [known.get(row.id) or _unwrapped(row, providers, clock()) for row in rows]


def _unwrapped(row: IndexRow, providers: Sequence[KeyProvider], asked_at: float) -> IndexKey:
    return IndexKey(row.id, unwrap_kek(providers, row), asked_at)
