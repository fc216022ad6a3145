"""The index keys of a keyring: what makes the cells of blind indexes, and those that a search looks for.

Their state is read anew before a view of it is `state_seconds` old, and where it can't be, nothing is written
or searched: a search that misses a row tells nobody.
"""

import math
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Never

from ..blind import IndexContext, purpose_of
from ..errors import ConfigurationError
from ..forks import start_afresh_after_fork
from ..providers.provider import KeyProvider
from .index_store import IndexStore
from .index_view import IndexView
from .index_views import STATE_SECONDS, IndexViews
from .waiting import Wait

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_STORE = "a store of its own"

IndexOrder = tuple[IndexContext, Sequence[bytes | None]]
"""An index, and messages (`BlindIndex.messages`); None for a NULL."""
Cells = list[bytes | None]
Probes = list[tuple[bytes, ...]]


class IndexKeys:
    """Makes indexed cells. Safe to share between threads; `wait` is how the caller waits for a wave of keys.

    `state_seconds`: how long a view of the keys' states is gone by, at most 300. `kms_seconds`: how long a
    key is used before its provider is asked for it again. `entries`: indexes, times tenants, held at once.
    Raises `KeyProviderError` where store or provider failed, `RevokedError` for a revoked key,
    `ConfigurationError` where there is no store.
    """

    def __init__(
        self,
        providers: Sequence[KeyProvider],
        *,
        store: IndexStore | None = None,
        state_seconds: float = STATE_SECONDS,
        kms_seconds: float = 3600.0,
        entries: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.providers, self._clock = tuple(providers), clock
        self._store = store
        self._where: Hashable = None if store is None else _STORE
        self._views = IndexViews(providers, self._stored, state_seconds, kms_seconds, entries, clock)
        self.start_afresh()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Drop threads, locks and keys: a forked child has its own."""
        self._views.start_afresh()
        self._rotating: dict[str, tuple[bool, float]] = {}

    def bind_store(self, make: Callable[[], IndexStore], where: Hashable) -> None:
        """Have `make()` give the store, unless one was given; `where` says in which database it lies.

        Bound to a second database it has none: whoever uses an index then is told.
        """
        if self._where is None:
            self._store, self._where = make(), where
        elif self._where not in {_STORE, where}:
            self._store = None
            self.purge_cache()  # what it holds is of the first one

    def cells(self, orders: Sequence[IndexOrder], wait: Wait[None]) -> list[Cells]:
        """For each order the cells under the active key, None for None: what is written.

        A key is made where an index has none yet. Not for unique indexes: see `written`.
        """
        views = self._of(orders, True, wait)
        return [
            view.active(context).cells(context, messages)
            for (context, messages), view in zip(orders, views, strict=True)
        ]

    def written(self, orders: Sequence[IndexOrder], wait: Wait[None]) -> list[Probes]:
        """For each order and message the cell that is written, and after it those of the other live keys.

        Under those an equal value may lie while a key is rotated. () for None.
        """
        views = self._of(orders, True, wait)
        for (context, _), view in zip(orders, views, strict=True):
            view.active(context)
        return list(map(_all, views, orders))

    def probes(self, orders: Sequence[IndexOrder], wait: Wait[None]) -> list[Probes]:
        """For each order and message the cells under each live key: what is searched for.

        () for None, and for all where nothing was ever written. Makes no key. Raises `ShreddedError` where
        all keys of an index were destroyed.
        """
        return list(map(_all, self._of(orders, False, wait), orders))

    def tags(self, contexts: Sequence[IndexContext], wait: Wait[None]) -> list[tuple[bytes, ...]]:
        """For each index the first 4 bytes of the cells under its live keys; the active key's come first."""
        views = self._of([(context, ()) for context in contexts], False, wait)
        return [tuple(key.tag for key in view.keys) for view in views]

    def is_rotating(self, key: str, wait: Wait[None]) -> bool:
        """Whether rows under two keys may lie in an index of this logical key name, of any tenant.

        Joins by the cells would miss rows then. As fresh as any view.
        """
        now = self._clock()
        known = self._rotating.get(key, (False, -math.inf))
        if known[1] <= now:
            found = self._views.asked(lambda: self._stored().is_rotating(purpose_of(key)), wait)
            known = self._rotating[key] = found, now + self._views.seconds
        return known[0]

    def purge_cache(self) -> None:
        """Forget every key, those under way included: state and provider are asked again."""
        self._views.purge()
        self._rotating.clear()

    def _of(self, orders: Sequence[IndexOrder], make: bool, wait: Wait[None]) -> list[IndexView]:
        return self._views.found([context.name for context, _ in orders], make, wait)

    def _stored(self) -> IndexStore:
        if self._store is not None:
            return self._store
        if self._where is None:
            raise ConfigurationError(
                "a blind index needs a store for its key: attach(engine, envelope) gives that engine's"
                " database"
            )
        raise ConfigurationError(
            "this keyring is attached to several databases, and blind indexes have their keys in one:"
            " make one envelope a database"
        )

    def __repr__(self) -> str:
        return f"IndexKeys({list(self.providers)!r})"

    def __reduce__(self) -> Never:
        raise TypeError("IndexKeys hold keys and are not pickled; make them in each process")


def _all(view: IndexView, order: IndexOrder) -> Probes:
    context, messages = order
    several = [key.cells(context, messages) for key in view.keys]
    return [() if each[0] is None else each[1:] for each in zip(messages, *several, strict=True)]
