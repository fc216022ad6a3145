"""The index keys of a keyring: what makes the cells of blind indexes, and those that a search looks for.

Their state is read anew before a view of it is `state_seconds` old, and where it can't be, nothing is written
or searched: a search that misses a row tells nobody.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Never
from uuid import UUID

from ..blind import IndexContext, purpose_of
from ..errors import ConfigurationError, DecryptionError, KeyProviderError
from ..forks import start_afresh_after_fork
from ..providers.provider import KeyProvider
from .index_reading import IndexRows, live, opened
from .index_store import IndexName, IndexStore
from .index_view import IndexKey, IndexView
from .pool import Pool, wait_for
from .store import KekState
from .waiting import Wait
from .wave import Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

STATE_SECONDS = 300.0
"""The longest that any process goes by what it has read: a rotation waits for longer between its steps."""
RETRY_PART = 0.03
_CONCURRENCY = 16
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
        self.providers, self._clock, self._entries = tuple(providers), clock, entries
        self._state_seconds, self._kms_seconds = min(state_seconds, STATE_SECONDS), kms_seconds
        self._store = store
        self._where: Hashable = None if store is None else _STORE
        self.start_afresh()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Drop threads, locks and keys: a forked child has its own."""
        self._pool = Pool(_CONCURRENCY, lambda _: None)
        self._held: OrderedDict[IndexName, IndexView] = OrderedDict()
        self._rotating: dict[str, tuple[bool, float]] = {}
        self._epoch = 0

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
        views = self._views(orders, True, wait)
        return [
            view.active(context).cells(context, messages)
            for (context, messages), view in zip(orders, views, strict=True)
        ]

    def written(self, orders: Sequence[IndexOrder], wait: Wait[None]) -> list[Probes]:
        """For each order and message the cell that is written, and after it those of the other live keys.

        Under those an equal value may lie while a key is rotated. () for None.
        """
        views = self._views(orders, True, wait)
        for (context, _), view in zip(orders, views, strict=True):
            view.active(context)
        return [_all(view, *order) for order, view in zip(orders, views, strict=True)]

    def probes(self, orders: Sequence[IndexOrder], wait: Wait[None]) -> list[Probes]:
        """For each order and message the cells under each live key: what is searched for.

        () for None, and for all where nothing was ever written. Makes no key. Raises `ShreddedError` where
        all keys of an index were destroyed.
        """
        views = self._views(orders, False, wait)
        return [_all(view, *order) for order, view in zip(orders, views, strict=True)]

    def tags(self, contexts: Sequence[IndexContext], wait: Wait[None]) -> list[tuple[bytes, ...]]:
        """For each index the first 4 bytes of the cells under its live keys; the active key's come first."""
        views = self._views([(context, ()) for context in contexts], False, wait)
        return [tuple(key.tag for key in view.keys) for view in views]

    def is_rotating(self, key: str, wait: Wait[None]) -> bool:
        """Whether rows under two keys may lie in an index of this logical key name, of any tenant.

        Joins by the cells would miss rows then. As fresh as any view.
        """
        now = self._clock()
        known = self._rotating.get(key, (False, -math.inf))
        if known[1] <= now:
            call = Call(lambda: self._stored().is_rotating(purpose_of(key)))
            self._made([call], wait)
            known = self._rotating[key] = call.result, now + self._state_seconds
        return known[0]

    def purge_cache(self) -> None:
        """Forget every key, those under way included: state and provider are asked again."""
        with self._pool.lock:
            self._held.clear()
            self._rotating.clear()
            self._pool.board.share_no_more()
            self._epoch += 1

    def _views(self, orders: Sequence[IndexOrder], make: bool, wait: Wait[None]) -> list[IndexView]:
        names = [IndexName(context.purpose, context.tenant) for context, _ in orders]
        found = self._found(dict.fromkeys(names), make, wait)
        return [found[name] for name in names]

    def _found(self, names: Iterable[IndexName], make: bool, wait: Wait[None]) -> dict[IndexName, IndexView]:
        wave, rows = Wave(), IndexRows(self._stored, self._clock)
        found: dict[IndexName, IndexView | Call] = {}
        with self._pool.lock:
            now = self._clock()
            for name in names:
                found[name] = self._live(name, now) or self._asked(wave, name, rows, make)
            asked = self._pool.start(wave)
        if asked:
            wait_for(wave, wait)
        return {name: self._fresh(name, each) for name, each in found.items()}

    def _fresh(self, name: IndexName, each: "IndexView | Call") -> IndexView:
        if isinstance(each, IndexView):
            return each
        view: IndexView = each.result
        if self._clock() - view.read_at >= STATE_SECONDS:
            raise KeyProviderError(f"the keys of {name.place} took too long to come", retryable=True)
        return view

    def _live(self, name: IndexName, now: float) -> IndexView | None:
        """The view, if it holds; if it is soon to be read again, that begins. The caller holds the lock."""
        view = self._held.get(name)
        if view is None or view.expires <= now:
            return None
        self._held.move_to_end(name)
        if view.due <= now:
            view.due = now + self._state_seconds * RETRY_PART
            wave = Wave()
            self._asked(wave, name, IndexRows(self._stored, self._clock), False)
            with suppress(KeyProviderError):  # no thread: a later use asks again
                self._pool.start(wave)
        return view

    def _asked(self, wave: Wave, name: IndexName, rows: IndexRows, make: bool) -> Call:
        board, key = self._pool.board, (name, make)
        call = board.find(key)
        if call is None:
            rows.want(name)
            call = Call(partial(self._read, name, rows, make, self._epoch), key)
        board.ask(wave, call)
        return call

    def _read(self, name: IndexName, rows: IndexRows, make: bool, epoch: int) -> IndexView:
        """One index's view, in a worker thread."""
        try:
            found, at = rows.made(name, self.providers[0]) if make else rows[name]
            standing = live(found, name)
            keys = opened(standing, self._known(name), self.providers, self._clock)
        except DecryptionError:
            with self._pool.lock:
                self._held.pop(name, None)
            raise
        writes = bool(standing) and standing[0].state is KekState.ACTIVE
        return self._kept(name, IndexView(keys, writes, at, self._state_seconds), epoch)

    def _known(self, name: IndexName) -> Mapping[UUID, IndexKey]:
        with self._pool.lock:
            held = self._held.get(name)
        return {} if held is None else held.unwrapped_after(self._clock() - self._kms_seconds)

    def _kept(self, name: IndexName, view: IndexView, epoch: int) -> IndexView:
        with self._pool.lock:
            if epoch == self._epoch:
                self._held.pop(name, None)
                if view.keys:
                    self._held[name] = view
                if len(self._held) > self._entries:
                    self._held.popitem(last=False)
        return view

    def _made(self, calls: Sequence[Call], wait: Wait[None]) -> None:
        wave = Wave()
        with self._pool.lock:
            for call in calls:
                self._pool.board.ask(wave, call)
            self._pool.start(wave)
        wait_for(wave, wait)

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


def _all(view: IndexView, context: IndexContext, messages: Sequence[bytes | None]) -> Probes:
    digesters = [(key.tag, key.digester(context)) for key in view.keys]
    return [
        () if message is None else tuple(tag + digest(message) for tag, digest in digesters)
        for message in messages
    ]
