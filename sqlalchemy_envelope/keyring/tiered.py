"""Data keys wrapped in this process by a key-encryption key for each tenant; only those are the provider's.

What a provider is asked for depends on tenants and time, and not on rows.
"""

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Literal, Never

from ..cipher import DataKeys
from ..context import Context
from ..errors import ConfigurationError, DecryptionError, decryption_error
from ..forks import start_afresh_after_fork
from ..providers.provider import KeyProvider
from ..wire import KEY_HEAD_BYTES
from .direct import DirectKeyring
from .fetching import Fetching
from .index_keys import IndexKeys
from .index_store import IndexStore
from .kek import Kek, Terms, head_of, is_under_kek
from .keyring import Order, Stored
from .lookup import Lookup
from .reserving import Reserving
from .reuse import Reuse
from .rewrap import data_keys, rewrap_all, wrap_all
from .store import KeyStore
from .waiting import Wait, wait_here
from .writing import Writing

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

DAY = 86_400.0
Writes = Literal["tiered", "direct"]
_ITS_OWN = "a store of its own"


class TieredKeyring:
    """Each value's data key is wrapped by a key-encryption key of its tenant, and only that by `provider`.

    `opens`: more providers, which open what they wrapped and never wrap. `store`: where the key-encryption
    keys lie; by default in the database of the engine that the envelope is attached to. `writes="direct"`:
    open tiers, but write as a `DirectKeyring` does, with `reuse` if given; such values always open.

    Seconds: a key is replaced for writing when `max_age_seconds` old; its state is read again `state_seconds`
    after it was read, so that a revoked key stops opening; its provider is asked again `kms_seconds` after it
    gave the key out. Where asking fails for a reason that may pass, the key reads `outage_seconds` longer.
    `cache_entries`: key-encryption keys held at once, and data keys of direct values. `concurrency`: calls at
    once, over all threads. `clock`: seconds that only grow.
    """

    local: Literal[False] = False

    def __init__(
        self,
        provider: KeyProvider,
        *,
        opens: Sequence[KeyProvider] = (),
        store: KeyStore | None = None,
        writes: Writes = "tiered",
        reuse: Reuse | None = None,
        max_age_seconds: float = 90 * DAY,
        state_seconds: float = 300.0,
        kms_seconds: float = 3600.0,
        outage_seconds: float = 0.0,
        cache_entries: int = 10_000,
        concurrency: int = 50,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check(writes, reuse, cache_entries)
        self._direct = DirectKeyring(
            provider,
            opens=opens,
            concurrency=concurrency,
            reuse=reuse,
            cache_entries=cache_entries,
            cache_seconds=state_seconds,
            clock=clock,
        )
        self._provider, self._concurrency, self._clock = provider, concurrency, clock
        self._cache_entries = cache_entries
        self._writes_tiers = writes == "tiered"
        self._store = store
        self._where: Hashable = None if store is None else _ITS_OWN
        terms = Terms(state_seconds, kms_seconds, outage_seconds, max_age_seconds)
        self._fetching = Fetching((provider, *opens), self._stored, terms, clock, cache_entries)
        self._reserving = Reserving(provider, self._fetching, cache_entries)
        self.index_keys = IndexKeys(
            (provider, *opens),
            store=store if isinstance(store, IndexStore) else None,  # type: ignore[redundant-expr]
            state_seconds=state_seconds,
            kms_seconds=kms_seconds,
            entries=cache_entries,
            clock=clock,
        )
        self.start_afresh()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Drop threads, locks, keys and what is reserved: a forked child has its own."""
        self._fetching.start_afresh(self._concurrency)
        self._reserving.start_afresh()

    def bind_store(self, make: Callable[[], KeyStore], where: Hashable) -> None:
        """Have `make()` give the store, unless one was given; `where` says in which database it lies.

        Raises `ConfigurationError` where the keyring is bound to another one: its keys would lie apart from
        the values that they protect.
        """
        if self._where is None:
            self._store, self._where = make(), where
        elif self._where not in {_ITS_OWN, where}:
            raise ConfigurationError(
                "this TieredKeyring has its keys in the database of another engine: make one envelope a"
                " database, or say where the keys of both lie: TieredKeyring(..., store=SqlKeyStore(engine))"
            )

    def issue(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        """Data keys for each order; only what is not reserved or not live yet is waited for, in waves.

        Raises `KeyProviderError` where a tenant has no key to write with and none can be had.
        """
        if not self._writes_tiers:
            return self._direct.issue(orders, wait)
        counts: dict[str | None, int] = {}
        for context, count in orders:
            if count:
                counts[context.tenant] = counts.get(context.tenant, 0) + count
        keks = self._reserving.reserve(counts, wait)
        return [
            keks[context.tenant].generator(context)(count) if count else DataKeys([], [])
            for context, count in orders
        ]

    def unwrappers(self, context: Context) -> Lookup:
        """What unwraps here and now: static keys, and the key-encryption keys that are live."""
        fetching = self._fetching
        fixed = self._direct.unwrappers(context)
        return Lookup(fixed, fetching.keks.held, context, self._clock, fetching.in_use)

    def unlock(self, stored: Collection[Stored], wait: Wait[None]) -> dict[Stored, bytes]:
        """The data keys of cells whose key is not live, and of direct values that need a call.

        Raises `DecryptionError` for the first that never unwraps: `RevokedError`, `ShreddedError` by its
        key's state; and `KeyProviderError` where store or provider failed.
        """
        tiered = [each for each in stored if is_under_kek(each[1])]
        direct = [each for each in stored if not is_under_kek(each[1])] if len(tiered) < len(stored) else []
        heads: dict[bytes, str] = {}
        for context, cell in tiered:
            heads.setdefault(cell[:KEY_HEAD_BYTES], context.place)
        keks = self._fetching.fetch(heads, wait) if heads else {}
        keys = self._direct.unlock(direct, wait) if direct else {}
        for context, cell in tiered:
            keys[context, cell] = _unwrapped(keks[cell[:KEY_HEAD_BYTES]], context, cell)
        return keys

    @property
    def providers(self) -> tuple[KeyProvider, ...]:
        """The one that wraps, and then those that only open."""
        return self._fetching.providers

    @property
    def writing(self) -> Writing:
        """Under which keys new data keys are wrapped; asks a store that may lie in another database."""
        if not self._writes_tiers:
            return self._direct.writing
        if self._where != _ITS_OWN:
            return Writing(active_keys=True)
        return Writing(frozenset(head_of(row.id)[2:19] for row in self._stored().active()))

    def rewrap(self, stored: Sequence[Stored], wait: Wait[None]) -> list[bytes]:
        """The cell of each data key under its tenant's active key, or where it writes directly under that.

        Equal ones are wrapped once. Raises as `unlock` and `issue` do.
        """
        if not self._writes_tiers:
            return self._rewrap_directly(stored, wait)
        keys = data_keys(self, stored, wait)
        counts: dict[str | None, int] = {}
        for context, _ in keys:
            counts[context.tenant] = counts.get(context.tenant, 0) + 1
        keks = self._reserving.reserve(counts, wait)
        return wrap_all(keys, lambda context: keks[context.tenant].wrapper(context), stored)

    def _rewrap_directly(self, stored: Sequence[Stored], wait: Wait[None]) -> list[bytes]:
        """What a key-encryption key wrapped is unwrapped by that, and all else left to the providers."""
        direct = [each for each in stored if not is_under_kek(each[1])]
        made = dict(zip(direct, self._direct.rewrap(direct, wait), strict=True))
        tiered = [each for each in stored if is_under_kek(each[1])]
        keys = data_keys(self, tiered, wait)
        pool = None if self._provider.local else self._fetching.pool

        def wrap(context: Context, cell: bytes) -> bytes:
            return self._provider.wrap(keys[context, cell], context)

        made |= zip(tiered, rewrap_all(pool, wrap, tiered, wait), strict=True)
        return [made[each] for each in stored]

    def open_v1(self, blob: bytes) -> bytes:
        """The payload of a version 1 blob, by the static keys."""
        return self._direct.open_v1(blob)

    def warm(self, tenants: Collection[str | None] | None = None) -> int:
        """Fetch the active keys of `tenants` (None among them: of no tenant), or of all: how many are live.

        Blocks. For a start-up that would rather wait or fail itself than its first requests. Makes no key. At
        most `cache_entries` are fetched.
        """
        return self._fetching.fetch_active(tenants, self._cache_entries, wait_here)

    def purge_cache(self) -> None:
        """Forget every key at once, those under way included: state and provider are asked again."""
        with self._fetching.pool.lock:
            self._fetching.purge()
            self._reserving.purge()
        self._direct.purge_cache()
        self.index_keys.purge_cache()

    def _stored(self) -> KeyStore:
        if self._store is None:
            raise ConfigurationError(
                "this TieredKeyring has no store: attach(engine, envelope) gives it that engine's database,"
                " or say TieredKeyring(..., store=SqlKeyStore(engine))"
            )
        return self._store

    def __repr__(self) -> str:
        return f"TieredKeyring({self._provider!r})"

    def __reduce__(self) -> Never:
        raise TypeError("a TieredKeyring holds keys and is not pickled; make one in each process")


def _unwrapped(kek: Kek, context: Context, cell: bytes) -> bytes:
    try:
        return kek.unwrapper(context)(cell[KEY_HEAD_BYTES:])
    except DecryptionError as error:
        failure = error.failure
    raise decryption_error(failure, context.place)  # out here, so that it leads to no frame that held a key


def _check(writes: str, reuse: Reuse | None, entries: int) -> None:
    if writes not in {"tiered", "direct"}:
        raise ConfigurationError('TieredKeyring(writes=) is "tiered" or "direct"')
    if reuse is not None and writes == "tiered":
        raise ConfigurationError('reuse= is of direct values: say writes="direct" with it')
    if entries < 1:
        raise ConfigurationError("TieredKeyring(cache_entries=) is at least 1")
