"""What a process knows of its indexes' keys: read when a caller needs it, and ahead of time if in use.

Rows come from the store by one query for all indexes of a wave, then each new key from its provider, all at
once. What is on its way is waited for and not asked for again. Nothing that failed is kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from ..blind import IndexName
from ..errors import DecryptionError, KeyProviderError
from ..providers.provider import KeyProvider
from .index_reading import IndexRows, live, opened
from .index_store import IndexStore
from .index_view import IndexKey, IndexView
from .pool import Pool, wait_for
from .rows import Clock
from .store import KekState
from .waiting import Wait
from .wave import Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

STATE_SECONDS = 300.0
"""The longest that any process goes by what it has read: a rotation waits for longer between its steps."""
ALONG_PART = 0.3
"""After which part of its time a view is read along with others."""
RETRY_PART = 0.03
"""The part of its time between two tries to read one ahead."""
_CONCURRENCY = 16


class IndexViews:
    """At most `entries` views; the least recently used goes first. `store` may raise `ConfigurationError`."""

    def __init__(
        self,
        providers: Sequence[KeyProvider],
        store: Callable[[], IndexStore],
        state_seconds: float,
        kms_seconds: float,
        entries: int,
        clock: Clock,
    ) -> None:
        self._providers, self._stored, self._clock = tuple(providers), store, clock
        self._state_seconds, self._kms_seconds = min(state_seconds, STATE_SECONDS), kms_seconds
        self._entries = entries
        self.start_afresh()

    @property
    def seconds(self) -> float:
        """How long what is read is gone by."""
        return self._state_seconds

    def start_afresh(self) -> None:
        """Drop threads, locks and keys."""
        self._pool = Pool(_CONCURRENCY, lambda _: None)
        self.held: OrderedDict[IndexName, IndexView] = OrderedDict()
        self._epoch = 0

    def purge(self) -> None:
        """Forget every key, those under way included."""
        with self._pool.lock:
            self.held.clear()
            self._pool.board.share_no_more()
            self._epoch += 1

    def asked(self, question: Callable[[], Any], wait: Wait[None]) -> Any:
        """What `question` answers, called in a worker thread."""
        wave, call = Wave(), Call(question)
        with self._pool.lock:
            self._pool.board.ask(wave, call)
            self._pool.start(wave)
        wait_for(wave, wait)
        return call.result

    def found(self, names: Sequence[IndexName], make: bool, wait: Wait[None]) -> list[IndexView]:
        """The view of each of these indexes, in one wave. `make`: the first key of one that has none."""
        with self._pool.lock:
            now = self._clock()
            held: list[Any] = [self._live(name, now) for name in names]
            if None not in held:
                return held
            wave, rows = Wave(), IndexRows(self._stored, self._clock)
            found: dict[IndexName, IndexView | Call] = {}
            for name, view in zip(names, held, strict=True):
                if name not in found:
                    found[name] = view or self._asked(wave, name, rows, make)
            asked = self._pool.start(wave)
        if asked:
            wait_for(wave, wait)
        fresh = {name: self._fresh(name, each) for name, each in found.items()}
        return [fresh[name] for name in names]

    def _fresh(self, name: IndexName, each: "IndexView | Call") -> IndexView:
        if isinstance(each, IndexView):
            return each
        view: IndexView = each.result
        if self._clock() - view.read_at >= STATE_SECONDS:
            raise KeyProviderError(f"the keys of {name.place} took too long to come", retryable=True)
        return view

    def _live(self, name: IndexName, now: float) -> IndexView | None:
        """The view, if it holds; if it is soon to be read again, that begins. The caller holds the lock."""
        view = self.held.get(name)
        if view is None or view.expires <= now:
            return None
        self.held.move_to_end(name)
        if view.due <= now:
            self._read_ahead(now)
        return view

    def _read_ahead(self, now: float) -> None:
        """Read every view anew that is not young, by one query. The caller holds the lock."""
        wave, rows = Wave(), IndexRows(self._stored, self._clock)
        for name, view in self.held.items():
            if view.read_at + self._state_seconds * ALONG_PART <= now:
                view.due = now + self._state_seconds * RETRY_PART
                self._asked(wave, name, rows, False)
        with suppress(KeyProviderError):  # no thread: a later use asks again
            self._pool.start(wave)

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
            found, at = rows.made(name, self._providers[0]) if make else rows[name]
            standing = live(found, name)
            keys = opened(standing, self._known(name), self._providers, self._clock)
        except DecryptionError:
            with self._pool.lock:
                self.held.pop(name, None)
            raise
        writes = bool(standing) and standing[0].state is KekState.ACTIVE
        return self._kept(name, IndexView(keys, writes, at, self._state_seconds), epoch)

    def _known(self, name: IndexName) -> Mapping[UUID, IndexKey]:
        with self._pool.lock:
            held = self.held.get(name)
        return {} if held is None else held.unwrapped_after(self._clock() - self._kms_seconds)

    def _kept(self, name: IndexName, view: IndexView, epoch: int) -> IndexView:
        with self._pool.lock:
            if epoch == self._epoch:
                self.held.pop(name, None)
                if view.keys:
                    self.held[name] = view
                if len(self.held) > self._entries:
                    self.held.popitem(last=False)
        return view
