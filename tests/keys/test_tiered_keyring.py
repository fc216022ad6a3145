"""TieredKeyring: calls to the provider depend on tenants and time, and never on rows."""

import asyncio
import pickle
import threading
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.util import greenlet_spawn

from sqlalchemy_envelope import (
    ConfigurationError,
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    Failure,
    KeyProviderError,
    StaticKey,
    TieredKeyring,
)
from sqlalchemy_envelope.cipher import key_generator
from sqlalchemy_envelope.codec import TEXT_TAG
from sqlalchemy_envelope.errors import RevokedError, ShreddedError
from sqlalchemy_envelope.keyring.store import KekRow, KekState, WrappedKek
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from .clock import Clock
from .memory_store import MemoryStore
from .table_store import TableStore
from .waits import here, in_loop, together

KEY = "cPX5Q0vpMzCSoZEVyGGkBGMiKBuo3Jl4rXjp2VtbUQg="


Store = MemoryStore | TableStore


@pytest.fixture(params=["memory", "table"])
def store(request: pytest.FixtureRequest, clock: Clock) -> Store:
    """An empty store: what is in memory shows that the keyring asks no more than the protocol says."""
    if request.param == "memory":
        return MemoryStore(clock)
    engine: Engine = request.getfixturevalue("engine")
    with engine.begin() as connection:
        install(connection)
    return TableStore(engine)


@pytest.fixture
def make(fake: FakeKms, store: Store, clock: Clock) -> Callable[..., TieredKeyring]:
    """Makes the keyring of one more process."""

    def keyring(provider: Any = None, **options: Any) -> TieredKeyring:
        return TieredKeyring(provider or fake, clock=clock, **{"store": store, **options})

    return keyring


def at(tenant: str | None) -> Context:
    """The place of a tenant's values."""
    return Context("patient", "ssn", tenant=tenant)


def settled(check: Callable[[], bool]) -> bool:
    """Whether what happens in the background has happened."""
    deadline = time.monotonic() + 5
    while not check() and time.monotonic() < deadline:
        time.sleep(0.005)
    return check()


def is_idle(envelope: Envelope) -> bool:
    """Whether all that was begun in the background is over: who joins a call gets what it found before."""
    fetching = envelope.keyring._fetching  # type: ignore[attr-defined]
    return settled(lambda: not fetching.pool.board._under_way)


def at_rest(envelope: Envelope) -> bool:
    """Whether it is, and every state was read a short while ago."""
    fetching = envelope.keyring._fetching  # type: ignore[attr-defined]
    return settled(lambda: is_idle(envelope) and not fetching.keks.ageing(fetching.clock()))


def test_a_thousand_values_cost_one_call(make, fake: FakeKms, store: Store, context: Context) -> None:
    """To write, and none to read in the same process; each has a data key of its own."""
    envelope = Envelope(make())
    with kms_calls(fake, generate=1, unwrap=0):
        cells = envelope.seal_many(["a"] * 1000, context)
        assert envelope.open_many(cells, context) == [b"a"] * 1000
    assert len({dek for dek, _ in cells}) == 1000
    assert (store.reserves, store.finds) == (1, 0)


def test_another_process_asks_once_for_each_tenant(make, fake: FakeKms, store: Store) -> None:
    """One query for the keys of all columns and tenants, then a call each; then none."""
    writing, reading = Envelope(make()), Envelope(make())
    tenants = [at(name) for name in ("a", "b", "c", None)]
    columns = [(each, writing.seal_many(["x"] * 50, each)) for each in tenants]
    assert fake.generated == 4
    for calls, finds in ((4, 4), (0, 0)):
        before = store.finds
        with kms_calls(fake, generate=0, unwrap=calls):
            for context, cells in columns:
                assert reading.open_many(cells, context) == [b"x"] * 50
        assert store.finds - before == finds


def test_the_keys_of_one_result_are_one_query(make, fake: FakeKms, store: Store) -> None:
    """However many tenants, and the calls after it are made at once."""
    writing, reading = Envelope(make()), make(concurrency=20)
    contexts = [at(f"tenant {number}") for number in range(20)]
    stored = [(each, writing.seal_many(["x"], each)[0][0]) for each in contexts]
    fake.delay = 0.05
    with kms_calls(fake, unwrap=20):
        keys = reading.unlock(stored, here)
    assert len(set(keys.values())) == 20
    assert store.found == [20]
    assert fake.most_at_once > 2


def test_64_threads_on_a_cold_key_make_one_call(make, fake: FakeKms, store: Store, context: Context) -> None:
    """To read, and to write where there is no key yet."""
    cells = Envelope(make()).seal_many(["a"], context)
    fake.delay = 0.1
    reading = Envelope(make(concurrency=4))
    with kms_calls(fake, unwrap=1, generate=0):
        assert together(64, lambda _: reading.open_many(cells, context)) == [[b"a"]] * 64
    assert store.finds == 1
    writing = Envelope(make(concurrency=4))
    with kms_calls(fake, generate=1, unwrap=0):
        sealed = together(64, lambda _: writing.seal_many(["a"] * 20, at("new")))
    assert len({dek for each in sealed for dek, _ in each}) == 64 * 20
    assert store.reserves < 64


async def test_64_tasks_on_a_cold_key_make_one_call(make, fake: FakeKms, context: Context) -> None:
    """The same on an event loop."""
    cell = make().issue([(context, 1)], here)[0].cells[0]
    stored, keyring = (context, cell), make()
    fake.delay = 0.1
    with kms_calls(fake, unwrap=1):
        keys = await asyncio.gather(*(greenlet_spawn(keyring.unlock, [stored], in_loop) for _ in range(64)))
    assert len({key[stored] for key in keys}) == 1
    with kms_calls(fake, generate=1, unwrap=0):
        orders = [(at("new"), 3)]
        issued = await asyncio.gather(*(greenlet_spawn(keyring.issue, orders, in_loop) for _ in range(64)))
    assert len({cell for (each,) in issued for cell in each.cells}) == 64 * 3


def test_a_value_opens_under_its_own_tenant_only(make) -> None:
    """Warm or cold: neither the wrapping nor the key is another tenant's."""
    envelope = Envelope(make())
    cells = envelope.seal_many(["a"], at("a"))
    envelope.seal_many(["b"], at("b"))
    for reading in (envelope, Envelope(make())):
        with pytest.raises(DecryptionError) as caught:
            reading.open_many(cells, at("b"))
        assert caught.value.failure is Failure.UNWRAP
        assert caught.value.place == "patient.ssn"


def test_a_holder_of_one_tenants_key_makes_no_value_of_anothers(make, store: Store, clock) -> None:
    """A data key for tenant b under the key of tenant a is authentic, and is refused."""
    keyring = make()
    keyring.issue([(at("a"), 1)], here)
    (kek,) = keyring._fetching.keks.held.values()
    forged = key_generator(kek._key, kek.head, at("b").wrap)(1).cells[0]
    for reading in (keyring, make()):
        with pytest.raises(DecryptionError) as caught:
            reading.unlock([(at("b"), forged)], here)
        assert caught.value.failure is Failure.UNWRAP


@pytest.mark.parametrize(
    ("state", "error"), [(KekState.REVOKED, RevokedError), (KekState.DESTROYED, ShreddedError)]
)
def test_a_closed_key_stops_opening_after_state_seconds(
    make, clock: Clock, store: Store, context: Context, state: KekState, error: type[DecryptionError]
) -> None:
    """At most: the typed error names the column. After `purge_cache` at once."""
    envelope, purged = Envelope(make(state_seconds=60)), make(state_seconds=60)
    cells = envelope.seal_many(["a"], context)
    Envelope(purged).open_many(cells, context)
    store.become(state)
    clock.now += 20
    assert envelope.open_many(cells, context) == [b"a"]
    clock.now += 40
    purged.purge_cache()
    for each in (envelope, Envelope(purged)):
        with pytest.raises(error) as caught:
            each.open_many(cells, context)
        assert caught.value.place == "patient.ssn"
    if state is KekState.REVOKED:
        store.become(KekState.DEACTIVATED)
        assert envelope.open_many(cells, context) == [b"a"]


def test_no_row_of_a_result_opens_after_the_time(make, clock: Clock, fake: FakeKms, context: Context) -> None:
    """A result that lies about until its keys' time is up asks again, row by row."""
    envelope = Envelope(make(state_seconds=60, kms_seconds=60))
    ((dek, content),) = envelope.seal_many(["a"], context)
    pair = (dek or b"") + (content or b"")
    opener = envelope.opener(Reading(context))
    for seconds, calls in ((0, 0), (59, 0), (1, 1), (0, 0)):
        clock.now += seconds
        with kms_calls(fake, unwrap=calls):
            assert opener.open(pair) == TEXT_TAG + b"a"
    envelope.purge_cache()
    with kms_calls(fake, unwrap=1):
        opener.open(pair)


def test_a_result_that_waited_for_its_keys_does_not_open_after_their_time(make, clock: Clock, store) -> None:
    """What was fetched cold and lies about opens no longer than what was warm."""
    ((dek, content),) = Envelope(make()).seal_many(["a"], at("a"))
    envelope, reading = Envelope(make(state_seconds=60)), Reading(at("a"))
    (ready,) = envelope.unlock_columns([(reading, [(dek or b"") + (content or b"")])])[0]
    store.become(KekState.REVOKED, "a")
    opener = envelope.opener(reading)
    assert opener.open(ready) == TEXT_TAG + b"a"
    clock.now += 60
    with pytest.raises(RevokedError):
        opener.open(ready)


def test_an_unknown_key_is_unknown_each_time(make, store: Store, context: Context) -> None:
    """A row that is not there, or gone: asked for every time, since it may yet come by replication."""
    envelope = Envelope(make())
    cells = envelope.seal_many(["a"], context)
    reading = Envelope(make(store=MemoryStore(time.monotonic)))
    for finds in (1, 2):
        with pytest.raises(DecryptionError) as caught:
            reading.open_many(cells, context)
        assert caught.value.failure is Failure.UNKNOWN_KEY
        assert reading.keyring._stored().finds == finds  # type: ignore[attr-defined]


def test_a_key_in_use_is_asked_for_ahead_of_time(
    make, clock: Clock, fake: FakeKms, store: Store, context: Context
) -> None:
    """In the background: the reader that sets it off has its answer at once, even if the KMS hangs."""
    envelope = Envelope(make(state_seconds=300, kms_seconds=3600))
    cells = envelope.seal_many(["a"], context)
    clock.now += 280
    with kms_calls(fake, unwrap=0):
        for finds in (1, 2):
            envelope.open_many(cells, context)
            assert at_rest(envelope)
            assert store.finds == finds
            clock.now += 280
    for _ in range(11):
        envelope.open_many(cells, context)
        assert at_rest(envelope)
        clock.now += 280
    assert (store.finds, fake.unwrapped) == (13, 1)
    assert store.reserves == 1


def test_one_query_reads_the_states_of_all(make, clock: Clock, fake: FakeKms, store: Store) -> None:
    """Keys that were read a while ago come along, used or not: not a query for each of a thousand tenants."""
    keyring = make()
    heads = {}
    for number in range(30):
        context = at(f"tenant {number}")
        heads[context] = keyring.issue([(context, 1)], here)[0].cells[0][:21]
    clock.now += 275
    for context, head in heads.items():
        assert head in keyring.unwrappers(context)
    assert settled(lambda: store.finds > 0 and not keyring._fetching.keks.ageing(clock.now))
    assert sum(store.found) <= 30 * 2
    assert store.found[0] == 30
    assert store.finds <= 2


def test_warm_reads_go_on_through_an_outage_until_the_time_is_up(
    make, clock: Clock, fake: FakeKms, store: Store, context: Context
) -> None:
    """Then they fail, retryably; and go on by themselves once the KMS answers."""
    envelope = Envelope(make(state_seconds=300, kms_seconds=600))
    cells = envelope.seal_many(["a"], context)
    fake.throttle()
    for _ in range(5):
        clock.now += 100
        assert envelope.open_many(cells, context) == [b"a"]
        assert is_idle(envelope)
    clock.now += 101
    with pytest.raises(KeyProviderError) as caught:
        envelope.open_many(cells, context)
    assert caught.value.retryable
    with pytest.raises(KeyProviderError):
        envelope.seal_many(["b"], context)
    fake.recover()
    assert envelope.open_many(cells, context) == [b"a"]
    envelope.seal_many(["b"], context)


def test_outage_seconds_prolong_reads_and_not_writes(
    make, clock: Clock, fake: FakeKms, store: Store, context: Context
) -> None:
    """By so much and no more; a denial is no outage."""
    envelope = Envelope(make(state_seconds=300, kms_seconds=600, outage_seconds=900))
    cells = envelope.seal_many(["a"], context)
    fake.throttle()
    store.error = KeyProviderError("no database", retryable=True)
    for _ in range(14):
        clock.now += 80
        assert envelope.open_many(cells, context) == [b"a"]
    assert clock.now - 1000 > 300
    with pytest.raises(KeyProviderError) as caught:
        envelope.seal_many(["b"], context)
    assert caught.value.retryable
    assert is_idle(envelope)
    clock.now = 1000 + 300 + 900 + 1
    with pytest.raises(KeyProviderError):
        envelope.open_many(cells, context)
    store.error, denied = None, Envelope(make(kms_seconds=600, outage_seconds=900))
    fake.recover()
    denied.open_many(cells, context)
    fake.deny()
    clock.now += 601
    with pytest.raises(KeyProviderError):
        denied.open_many(cells, context)


def test_a_failing_kms_is_not_asked_at_every_use(
    make, clock: Clock, fake: FakeKms, store: Store, context: Context
) -> None:
    """Once a key is due and asking fails, a while passes until it is asked for again."""
    envelope = Envelope(make())
    cells = envelope.seal_many(["a"], context)
    fake.throttle()
    for _ in range(12):
        clock.now += 275
        envelope.open_many(cells, context)
        assert at_rest(envelope)
    asked = fake.unwrapped
    assert asked > 0
    for _ in range(50):
        envelope.open_many(cells, context)
        time.sleep(0.001)
    assert fake.unwrapped - asked <= 1


def test_a_key_is_replaced_by_age(make, clock: Clock, fake: FakeKms, store: Store, context: Context) -> None:
    """The next write makes a new one; what the old one wrapped still opens."""
    envelope = Envelope(make(max_age_seconds=1000, state_seconds=2000))
    old = envelope.seal_many(["a"], context)
    clock.now += 990
    with kms_calls(fake, generate=0):
        old += envelope.seal_many(["a"], context)
    clock.now += 10
    if isinstance(store, TableStore):
        store.grow_older(1000)  # which has a clock of its own
    with kms_calls(fake, generate=1):
        new = envelope.seal_many(["b"], context)
    assert {(dek or b"")[3:19] for dek, _ in old}.isdisjoint((dek or b"")[3:19] for dek, _ in new)
    assert envelope.open_many(old + new, context) == [b"a", b"a", b"b"]


def test_a_key_is_replaced_by_count(make, fake: FakeKms, store: Store, context: Context) -> None:
    """When 2^32 wraps are reserved on it."""
    envelope = Envelope(make())
    envelope.seal_many(["a"], context)
    store.set_wraps(2**32 - 100)
    with kms_calls(fake, generate=1):
        envelope.seal_many(["b"] * 2000, context)
    assert {row.state for row in store.all()} == {KekState.ACTIVE, KekState.DEACTIVATED}
    assert all(row.wraps <= 2**32 for row in store.all())


def test_a_writer_leaves_a_key_that_another_deactivated(make, clock: Clock, store, context: Context) -> None:
    """By the time its state is read again, whatever wraps it has left."""
    envelope = Envelope(make(state_seconds=300))
    envelope.seal_many(["a"], context)
    store.become(KekState.DEACTIVATED)
    clock.now += 300
    envelope.seal_many(["b"], context)
    assert len(store.all()) == 2


def test_no_more_wraps_than_were_reserved(make, store: Store, context: Context) -> None:
    """Many threads, batches of all sizes; the blocks grow."""
    keyring = make()
    sizes = [1, 7, 100, 1024, 1025, 3000]
    together(24, lambda at: [keyring.issue([(context, sizes[at % 6])], here) for _ in range(5)])
    (row,) = store.all()
    assert row.wraps >= 4 * 5 * sum(sizes)
    assert store.reserves < 40


def test_a_batch_of_many_tenants_is_one_wave(make, fake: FakeKms) -> None:
    """Even where the cache is smaller than the batch."""
    keyring = make(cache_entries=2)
    contexts = [at(f"tenant {number}") for number in range(8)]
    with kms_calls(fake, generate=8):
        issued = keyring.issue([(context, 2) for context in contexts], here)
    stored = [(context, cell) for context, each in zip(contexts, issued, strict=True) for cell in each.cells]
    keys = keyring.unlock(stored, here)
    assert [keys[each] for each in stored] == [key for each in issued for key in each.keys]


def test_one_keyring_reads_tiers_direct_values_and_static_ones(make, fake: FakeKms, context: Context) -> None:
    """Whichever it writes."""
    static = StaticKey(KEY)
    cells = [Envelope(each).seal_many(["a"], context)[0] for each in (DirectKeyring(fake), make())]
    cells += Envelope(DirectKeyring(static)).seal_many(["a"], context)
    for writes in ("tiered", "direct"):
        keyring = make(opens=[static], writes=writes)
        assert Envelope(keyring).open_many(cells, context) == [b"a"] * 3
        assert Envelope(keyring).open_many(cells, context) == [b"a"] * 3
        wrap = (Envelope(keyring).seal_many(["a"], context)[0][0] or b"")[2]
        assert wrap == {"tiered": 3, "direct": 2}[writes]


def test_a_static_key_may_wrap_the_tiers(make, store: Store, context: Context) -> None:
    """For development, and to begin with."""
    static = StaticKey(KEY)
    cells = Envelope(make(static)).seal_many(["a"], context)
    assert Envelope(make(static)).open_many(cells, context) == [b"a"]
    (row,) = store.all()
    assert list(row.names) == [static.key_name]


def test_a_key_of_another_provider_is_unknown(make, context: Context) -> None:
    """To read it is never possible, and to write under it neither."""
    cells = Envelope(make()).seal_many(["a"], context)
    other = Envelope(make(FakeKms(name="other")))
    with pytest.raises(DecryptionError) as caught:
        other.open_many(cells, context)
    assert caught.value.failure is Failure.UNKNOWN_KEY
    with pytest.raises(KeyProviderError) as failed:
        other.seal_many(["a"], context)
    assert not failed.value.retryable


def test_warm_fetches_the_active_keys(make, fake: FakeKms, store: Store) -> None:
    """All or some, by one query; reads that follow make no call."""
    writing = Envelope(make())
    cells = {name: writing.seal_many(["x"], at(name)) for name in ("a", "b", None)}
    keyring = make()
    with kms_calls(fake, unwrap=2):
        assert keyring.warm(["a", None, "missing"]) == 2
    with kms_calls(fake, unwrap=1):
        assert keyring.warm() == 3
    with kms_calls(fake, unwrap=0, generate=0):
        for name, each in cells.items():
            Envelope(keyring).open_many(each, at(name))
            Envelope(keyring).seal_many(["y"], at(name))
    assert (store.finds, store.actives) == (0, 2)


async def test_warm_async_lets_the_loop_run(make, fake: FakeKms, context: Context) -> None:
    """While the KMS takes its time."""
    make().issue([(context, 1)], here)
    fake.delay = 0.3
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert await Envelope(make()).warm_async() == 1
    ticking.cancel()
    assert ticks >= 1


def test_what_was_asked_for_before_a_purge_is_not_kept(make, fake: FakeKms, context: Context) -> None:
    """Who purges because a key was withdrawn finds nothing of it afterwards."""
    stored = (context, make().issue([(context, 1)], here)[0].cells[0])
    keyring = make()
    fake.delay = 0.1
    reading = threading.Thread(target=keyring.unlock, args=([stored], here))
    reading.start()
    assert settled(lambda: fake.unwrapped == 1)
    keyring.purge_cache()
    with kms_calls(fake, unwrap=1):
        keyring.unlock([stored], here)
    reading.join()
    with kms_calls(fake, unwrap=0):
        keyring.unlock([stored], here)
    keyring.purge_cache()
    assert stored[1][:21] not in keyring.unwrappers(context)
    again = threading.Thread(target=keyring.unlock, args=([stored], here))
    asked = fake.unwrapped
    again.start()
    assert settled(lambda: fake.unwrapped > asked)
    keyring.purge_cache()
    again.join()
    assert stored[1][:21] not in keyring.unwrappers(context)


def test_a_state_that_was_asked_for_before_a_purge_revives_nothing(
    make, clock: Clock, context: Context
) -> None:
    """Its answer comes when the key is forgotten, also by whoever opened a value with it a moment ago."""

    class Slow(MemoryStore):
        gate = threading.Event()

        def find(self, ids: Collection[UUID]) -> list[KekRow]:
            rows = super().find(ids)
            self.gate.wait(5)
            return rows

    store = Slow(clock)
    keyring = make(store=store)
    cell = keyring.issue([(context, 1)], here)[0].cells[0]
    lookup = keyring.unwrappers(context)
    assert lookup.get(cell[:21])
    clock.now += 290
    assert cell[:21] in lookup
    assert settled(lambda: store.finds == 1)
    keyring.purge_cache()
    store.gate.set()
    time.sleep(0.05)
    assert lookup.get(cell[:21]) is None


def test_keys_held_are_bounded(make, fake: FakeKms) -> None:
    """The least recently used goes first."""
    keyring, contexts = make(), [at(name) for name in "abc"]
    stored = [(context, keyring.issue([(context, 1)], here)[0].cells[0]) for context in contexts]
    small = make(cache_entries=2)
    for each, calls in zip([0, 1, 0, 2, 0, 1], [1, 1, 0, 1, 0, 1], strict=True):
        with kms_calls(fake, unwrap=calls):
            if stored[each][1][:21] not in small.unwrappers(stored[each][0]):
                small.unlock([stored[each]], here)


def test_without_a_store_it_says_what_to_do(fake: FakeKms, context: Context) -> None:
    """An envelope that was never attached."""
    with pytest.raises(ConfigurationError, match=r"attach\(engine, envelope\)"):
        Envelope(TieredKeyring(fake)).seal_many(["a"], context)


def test_the_store_of_one_database_is_not_anothers(fake: FakeKms, store: Store) -> None:
    """The same again is fine, another is refused, and one of its own serves all."""
    keyring = TieredKeyring(fake)
    keyring.bind_store(lambda: store, "here")
    keyring.bind_store(lambda: store, "here")
    with pytest.raises(ConfigurationError, match="SqlKeyStore"):
        keyring.bind_store(lambda: store, "there")
    TieredKeyring(fake, store=store).bind_store(lambda: pytest.fail("has one"), "there")


@pytest.mark.parametrize(
    "options",
    [
        {"state_seconds": 0},
        {"kms_seconds": -1},
        {"outage_seconds": -1},
        {"max_age_seconds": 0},
        {"cache_entries": 0},
        {"concurrency": 0},
        {"writes": "reuse"},
        {"opens": ["key"]},
    ],
)
def test_impossible_settings_are_refused(fake: FakeKms, options: dict[str, Any]) -> None:
    """When it is made."""
    with pytest.raises(ConfigurationError):
        TieredKeyring(fake, **options)


def test_a_key_that_changes_its_tenant_opens_nothing(make, clock: Clock, context: Context) -> None:
    """Whoever may write to the table can't give one tenant's live key to another."""
    keyring = make(store=MemoryStore(clock), state_seconds=60)
    stored = (at("a"), keyring.issue([(at("a"), 1)], here)[0].cells[0])
    rows = keyring._stored().rows
    rows.update({id_: replace(row, tenant="b") for id_, row in rows.items()})
    clock.now += 61
    for _ in range(2):
        with pytest.raises(DecryptionError) as caught:
            keyring.unlock([stored], here)
        assert caught.value.failure is Failure.UNWRAP


@pytest.mark.parametrize("held", [True, False])
def test_no_tenants_value_is_wrapped_by_anothers_key(make, clock: Clock, held: bool) -> None:
    """Where the table gives a live key to another tenant, or answers with another's, nothing is written."""

    class Another(MemoryStore):
        def reserve(self, tenant: str | None, *wanted: Any) -> KekRow:
            return super().reserve("a", *wanted)

    keyring = make(store=MemoryStore(clock) if held else Another(clock))
    keyring.issue([(at("a"), 1)], here)
    rows = keyring._stored().rows
    if held:
        rows.update({id_: replace(row, tenant="b") for id_, row in rows.items()})
    for _ in range(3):
        with pytest.raises(KeyProviderError, match="another tenant's"):
            keyring.issue([(at("b"), 1)], here)


def test_it_shows_no_key_and_is_not_pickled(make, context: Context) -> None:
    """Nor do the live keys that it holds, nor an error that a store raised once a key was made."""
    keyring = make(StaticKey(KEY))
    keyring.issue([(context, 1)], here)
    (kek,) = keyring._fetching.keks.held.values()
    assert repr(keyring) == "TieredKeyring(StaticKey(<hidden>, previous=<0>))"
    assert repr(kek) == f"Kek({kek.row.id})"
    for secret in (keyring, kek):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret)

    class Breaking(MemoryStore):
        def _made(self, kek: WrappedKek) -> KekRow:
            raise KeyProviderError("the connection broke at COMMIT", retryable=True)

    with pytest.raises(KeyProviderError) as caught:
        make(store=Breaking(time.monotonic)).issue([(context, 1)], here)
    frames = traceback.walk_tb(caught.value.__traceback__)
    held = [each for frame, _ in frames for each in (frame.f_locals.get("made"),) if each is not None]
    assert held
    assert not any(held)
