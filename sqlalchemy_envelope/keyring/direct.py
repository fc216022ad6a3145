"""One data key per value, each wrapped by the provider itself: the strictest keyring and the simplest."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Never

from ..cipher import DataKeys, Unwrap
from ..context import Context
from ..errors import ConfigurationError, DecryptionError, Failure
from ..forks import start_afresh_after_fork
from ..legacy import V2_HEAD
from ..providers.provider import KeyProvider
from ..wire import KeyCell
from .cache import KeyCache
from .custodian import rewrapped
from .index_keys import IndexKeys
from .keyring import Order, Stored
from .pool import Pool, wait_for
from .reuse import Reuse, Spares
from .rewrap import data_keys, rewrap_all, wrap_all
from .waiting import Wait
from .wave import Call, Wave
from .writing import Writing, mark_of

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_CONTEXTS = 4096


class DirectKeyring:
    """Every value has a data key of its own, wrapped by `provider`.

    `opens`: more providers, which open what they wrapped and never wrap. `concurrency`: calls at once, over
    all threads. `reuse`: let one data key serve several values. `cache_entries`, `cache_seconds`: how many
    unwrapped keys are kept for reading, and how long; 0 entries keeps none. `clock`: seconds that only grow.
    """

    def __init__(
        self,
        provider: KeyProvider,
        *,
        opens: Sequence[KeyProvider] = (),
        concurrency: int = 50,
        reuse: Reuse | None = None,
        cache_entries: int = 10_000,
        cache_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check(provider, opens, concurrency, cache_entries, cache_seconds)
        self._provider = provider
        self._locals = [each for each in (provider, *opens) if each.local]
        self._remotes = [each for each in (provider, *opens) if not each.local]
        self._concurrency, self._reuse = concurrency, reuse
        self._cache_entries, self._cache_seconds = cache_entries, cache_seconds
        self._clock = clock
        self.providers = (provider, *opens)
        self.index_keys = IndexKeys(self.providers, state_seconds=cache_seconds, clock=clock)
        if provider.local:
            self._generator = lru_cache(_CONTEXTS)(provider.generator)
        self.start_afresh()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Drop threads, locks and keys: a forked child has its own."""
        self._pool = Pool(self._concurrency, self._landed)
        self._cache: KeyCache[tuple[bytes, bytes], bytes] = KeyCache(self._cache_entries)
        self._spares = None if self._reuse is None else Spares(self._reuse)

    @property
    def local(self) -> bool:
        """Whether no stored key ever needs a network call to unwrap."""
        return not self._remotes

    def issue(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        """Data keys for each order, all in one wave of concurrent calls. Raises `KeyProviderError`."""
        if self._spares is None:
            return self._make(orders, wait)
        return self._share(self._spares, orders, wait)

    def unwrappers(self, context: Context) -> Mapping[bytes, Unwrap]:
        """What unwraps locally, by the 21 bytes of a key cell's head."""
        merged: dict[bytes, Unwrap] = {}
        for provider in reversed(self._locals):
            merged.update(provider.unwrappers(context))
        return merged

    def unlock(self, stored: Collection[Stored], wait: Wait[None]) -> dict[Stored, bytes]:
        """The data keys of cells that need a call: cached, under way, and the rest in one wave.

        Raises `DecryptionError` for the first that never unwraps, `KeyProviderError` where a provider failed.
        """
        wave = Wave()
        keys: dict[Stored, Any] = {}
        with self._pool.lock:
            now = self._clock()
            for each in stored:
                keys[each] = self._known_or_asked(wave, each, now)
            asked = self._pool.start(wave)
        if asked:
            wait_for(wave, wait)
        return {each: key.result if isinstance(key, Call) else key for each, key in keys.items()}

    def open_v1(self, blob: bytes) -> bytes:
        """The payload of a version 1 blob. It names no key: each provider that computes tries its own."""
        failure = DecryptionError(Failure.UNKNOWN_KEY)
        for provider in self._locals:
            try:
                return provider.open_v1(blob)
            except DecryptionError as error:
                failure = error
        raise failure

    @property
    def writing(self) -> Writing:
        """Under which key new data keys are wrapped."""
        return Writing(frozenset([mark_of(self._provider)]))

    def rewrap(self, stored: Sequence[Stored], wait: Wait[None]) -> list[bytes]:
        """The cell of each data key under the key that wraps now, all in one wave of concurrent calls.

        Equal ones are wrapped once. Raises `DecryptionError` for the first that never unwraps, and
        `KeyProviderError`.
        """
        if self._provider.local:
            return wrap_all(data_keys(self, stored, wait), self._provider.wrapper, stored)
        return rewrap_all(self._pool, self._rewrap_one, stored, wait)

    def warm(self, tenants: Collection[str | None] | None = None) -> int:
        """Nothing: which data keys will be read is not known ahead."""
        return 0

    def purge_cache(self) -> None:
        """Forget every unwrapped key, those under way included, and every data key that was to be reused."""
        with self._pool.lock:
            self._cache.clear()
            self._pool.board.share_no_more()
            self._spares = None if self._reuse is None else Spares(self._reuse)
        self.index_keys.purge_cache()

    def _make(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        if self._provider.local:
            made_by = self._generator
            return [made_by(context)(count) if count else DataKeys([], []) for context, count in orders]
        wave = Wave()
        generate = self._provider.generate
        made = [[Call(partial(generate, context)) for _ in range(count)] for context, count in orders]
        with self._pool.lock:
            for calls in made:
                for call in calls:
                    self._pool.board.ask(wave, call)
            asked = self._pool.start(wave)
        if asked:
            wait_for(wave, wait)
        return [DataKeys.of(call.result for call in calls) for calls in made]

    def _share(self, spares: Spares, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        now = self._clock()
        with self._pool.lock:
            left = [spares.take(context.wrap, count, now) for context, count in orders]
        missing = [count - len(keys) for (_, count), keys in zip(orders, left, strict=True)]
        needed = [(context, spares.calls(count)) for (context, _), count in zip(orders, missing, strict=True)]
        made = self._make(needed, wait)
        with self._pool.lock:
            return [
                DataKeys.of(keys + spares.spread(context.wrap, new.each(), count, now))
                for keys, (context, _), new, count in zip(left, needed, made, missing, strict=True)
            ]

    def _known_or_asked(self, wave: Wave, stored: Stored, now: float) -> "bytes | Call":
        """Everything that a key's validity depends on is in its key: the wrap context and the whole cell."""
        context, cell = stored
        same = (context.wrap, cell)
        known = self._cache.get(same, now)
        if known is not None:
            return known
        call = self._pool.board.find(same) or Call(partial(self._fetch, context, cell), same)
        self._pool.board.ask(wave, call)
        return call

    def _landed(self, call: Call) -> None:
        if call.error is None and self._pool.board.find(call.key) is call:
            self._cache.put(call.key, call.result, self._clock() + self._cache_seconds)

    def _fetch(self, context: Context, cell: bytes) -> bytes:
        try:
            return self._fetch_v2(cell) if cell[:1] == b"\x02" else self._fetch_v3(context, cell)
        except DecryptionError as error:
            raise error.at(context.place) from error.__cause__

    def _rewrap_one(self, context: Context, cell: bytes) -> bytes:
        return rewrapped(self._provider, [*self._locals, *self._remotes], cell, context)

    def _fetch_v3(self, context: Context, cell: bytes) -> bytes:
        parsed = KeyCell.parse(cell)
        for provider in self._remotes:
            if provider.handles(parsed.wrap, parsed.key_id):
                return provider.unwrap(parsed, context)
        raise DecryptionError(Failure.UNKNOWN_KEY)

    def _fetch_v2(self, cell: bytes) -> bytes:
        """Version 2 names no key: each remote provider tries."""
        failure = DecryptionError(Failure.UNKNOWN_KEY)
        for provider in self._remotes:
            try:
                return provider.unwrap_v2(cell[V2_HEAD:])
            except DecryptionError as error:
                failure = error
        raise failure

    def __repr__(self) -> str:
        return f"DirectKeyring({self._provider!r})"

    def __reduce__(self) -> Never:
        raise TypeError("a DirectKeyring holds keys and is not pickled; make one in each process")


def _check(
    provider: KeyProvider, opens: Sequence[KeyProvider], concurrency: int, entries: int, seconds: float
) -> None:
    for each in (provider, *opens):
        if not isinstance(getattr(each, "local", None), bool):
            raise ConfigurationError("a keyring takes key providers such as StaticKey(...) or AwsKms(...)")
    if concurrency < 1 or entries < 0 or seconds <= 0:
        raise ConfigurationError("concurrency= and cache_seconds= are above 0, cache_entries= is not below")
