"""DirectKeyring: a data key a value, in waves of concurrent calls, each stored key fetched once."""

import asyncio
import pickle
import threading
import time

import pytest
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
)
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from .clock import Clock
from .waits import here, in_loop, together

KEY = "cPX5Q0vpMzCSoZEVyGGkBGMiKBuo3Jl4rXjp2VtbUQg="


def test_every_value_has_a_data_key_of_its_own(fake: FakeKms, context: Context) -> None:
    """As many calls as values, as many different cells."""
    keyring = DirectKeyring(fake)
    with kms_calls(fake, generate=100, unwrap=0):
        (issued,) = keyring.issue([(context, 100)], here)
    assert len(set(issued.keys)) == len(set(issued.cells)) == 100


def test_several_orders_are_one_wave(fake: FakeKms, context: Context) -> None:
    """Columns do not wait for each other: the wave takes as long as its slowest call."""
    fake.delay = 0.2
    keyring = DirectKeyring(fake)
    orders = [(context, 5), (Context("patient", "name"), 5), (Context("visit", "note"), 0)]
    began = time.monotonic()
    issued = keyring.issue(orders, here)
    assert time.monotonic() - began < 0.39
    assert [len(each.cells) for each in issued] == [5, 5, 0]


def test_calls_are_bounded(fake: FakeKms, context: Context) -> None:
    """Never more at once than `concurrency`, over all threads, and as many as that."""
    fake.delay = 0.01
    keyring = DirectKeyring(fake, concurrency=7)
    together(4, lambda _: keyring.issue([(context, 20)], here))
    assert fake.most_at_once == 7


def test_nothing_to_do_makes_no_call(fake: FakeKms, context: Context) -> None:
    """No order, no thread, no wait."""
    keyring = DirectKeyring(fake)
    with kms_calls(fake, generate=0, unwrap=0):
        assert [each.cells for each in keyring.issue([(context, 0)], here)] == [[]]
        assert keyring.issue([], here) == []
        assert keyring.unlock([], here) == {}


def test_a_stored_key_is_fetched_once_in_a_wave_and_then_kept(fake: FakeKms, context: Context) -> None:
    """The same cell a hundred times is one call; the next read is none."""
    envelope = Envelope(DirectKeyring(fake))
    cells = envelope.seal_many(["a", "b", "c"], context)
    with kms_calls(fake, generate=0, unwrap=3):
        assert envelope.open_many(cells * 100, context) == [b"a", b"b", b"c"] * 100
    with kms_calls(fake, generate=0, unwrap=0):
        envelope.open_many(cells, context)


def test_64_threads_on_a_cold_key_make_one_call(fake: FakeKms, context: Context) -> None:
    """The first asks, the others wait for what it gets."""
    envelope = Envelope(DirectKeyring(fake, concurrency=4))
    cells = envelope.seal_many(["a"], context)
    fake.delay = 0.1
    with kms_calls(fake, unwrap=1):
        assert together(64, lambda _: envelope.open_many(cells, context)) == [[b"a"]] * 64


async def test_64_tasks_on_a_cold_key_make_one_call(fake: FakeKms, context: Context) -> None:
    """The same on an event loop."""
    keyring = DirectKeyring(fake, concurrency=4)
    stored = (context, keyring.issue([(context, 1)], here)[0].cells[0])
    fake.delay = 0.1
    with kms_calls(fake, unwrap=1):
        keys = await asyncio.gather(*(greenlet_spawn(keyring.unlock, [stored], in_loop) for _ in range(64)))
    assert len({key[stored] for key in keys}) == 1


def test_callers_that_want_each_others_keys_never_wait_for_good(fake: FakeKms, context: Context) -> None:
    """With two workers and 16 callers, each after the same keys in another order, all come home."""
    keyring = DirectKeyring(fake, concurrency=2)
    stored = [(context, cell) for cell in keyring.issue([(context, 32)], here)[0].cells]
    fake.delay = 0.002
    with kms_calls(fake, unwrap=32):
        got = together(16, lambda at: keyring.unlock(stored[at:] + stored[:at], here))
    assert all(each == got[0] for each in got)


def test_a_small_wave_does_not_wait_for_a_large_one(fake: FakeKms, context: Context) -> None:
    """Waves take turns: one value is ready long before the thousand that were asked for first."""
    keyring = DirectKeyring(fake, concurrency=2)
    fake.delay = 0.005
    large = threading.Thread(target=keyring.issue, args=([(context, 200)], here))
    large.start()
    time.sleep(0.05)
    keyring.issue([(context, 1)], here)
    assert large.is_alive()
    large.join()


def test_kept_keys_expire(fake: FakeKms, context: Context) -> None:
    """After `cache_seconds` the KMS is asked again, so that a key it no longer gives out stops opening."""
    clock = Clock()
    envelope = Envelope(DirectKeyring(fake, cache_seconds=60, clock=clock))
    cells = envelope.seal_many(["a"], context)
    envelope.open_many(cells, context)
    clock.now += 59
    with kms_calls(fake, unwrap=0):
        envelope.open_many(cells, context)
    clock.now += 1
    fake.deny()
    with pytest.raises(KeyProviderError):
        envelope.open_many(cells, context)


def test_kept_keys_are_bounded(fake: FakeKms, context: Context) -> None:
    """`cache_entries` of them, the most recently used."""
    envelope = Envelope(DirectKeyring(fake, cache_entries=10, concurrency=1))
    cells = envelope.seal_many(["x"] * 11, context)
    envelope.open_many(cells, context)
    with kms_calls(fake, unwrap=0):
        envelope.open_many(cells[1:], context)
    with kms_calls(fake, unwrap=1):
        envelope.open_many(cells[:1], context)


def test_the_cache_can_be_off(fake: FakeKms, context: Context) -> None:
    """With no entries each read asks, though never twice for one key in a wave."""
    envelope = Envelope(DirectKeyring(fake, cache_entries=0))
    cells = envelope.seal_many(["a"], context)
    for _ in range(3):
        with kms_calls(fake, unwrap=1):
            envelope.open_many(cells * 2, context)


def test_the_cache_can_be_purged(fake: FakeKms, context: Context) -> None:
    """After `purge_cache` the KMS is asked again."""
    keyring = DirectKeyring(fake)
    envelope = Envelope(keyring)
    cells = envelope.seal_many(["a"], context)
    envelope.open_many(cells, context)
    keyring.purge_cache()
    with kms_calls(fake, unwrap=1):
        envelope.open_many(cells, context)


def test_what_was_asked_for_before_a_purge_is_not_kept(fake: FakeKms, context: Context) -> None:
    """Who purges because a key was withdrawn finds nothing of it afterwards."""
    keyring = DirectKeyring(fake)
    stored = (context, keyring.issue([(context, 1)], here)[0].cells[0])
    fake.delay = 0.1
    reading = threading.Thread(target=keyring.unlock, args=([stored], here))
    reading.start()
    time.sleep(0.03)
    keyring.purge_cache()
    with kms_calls(fake, unwrap=1):
        keyring.unlock([stored], here)
    reading.join()
    with kms_calls(fake, unwrap=0):
        keyring.unlock([stored], here)


def test_a_kept_key_is_of_its_context_only(fake: FakeKms, context: Context) -> None:
    """A cell whose key is in the cache does not open under another context."""
    keyring = DirectKeyring(fake)
    cell = keyring.issue([(context, 1)], here)[0].cells[0]
    keyring.unlock([(context, cell)], here)
    with pytest.raises(DecryptionError) as caught:
        keyring.unlock([(Context("visit", "note"), cell)], here)
    assert caught.value.failure is Failure.UNWRAP
    assert caught.value.place == "visit.note"


def test_columns_that_share_a_sibling_share_its_key(fake: FakeKms) -> None:
    """The wrap context has the sibling's name and not the column's, so one call serves both."""
    keyring = DirectKeyring(fake)
    name, note = Context("patient", "name", key="dek"), Context("patient", "note", key="dek")
    cell = keyring.issue([(name, 1)], here)[0].cells[0]
    with kms_calls(fake, unwrap=1):
        keys = keyring.unlock([(name, cell), (note, cell)], here)
    assert keys[name, cell] == keys[note, cell]


def test_errors_are_not_kept(fake: FakeKms, context: Context) -> None:
    """What failed is asked for again, and works once the KMS does."""
    envelope = Envelope(DirectKeyring(fake))
    cells = envelope.seal_many(["a"], context)
    fake.throttle(times=1)
    with pytest.raises(KeyProviderError) as caught:
        envelope.open_many(cells, context)
    assert caught.value.retryable
    assert envelope.open_many(cells, context) == [b"a"]


def test_the_first_error_ends_the_wave(fake: FakeKms, context: Context) -> None:
    """Calls that were not begun are not made."""
    fake.delay = 0.005
    keyring = DirectKeyring(fake, concurrency=5)
    fake.deny(after=10, times=1)
    with pytest.raises(KeyProviderError):
        keyring.issue([(context, 1000)], here)
    time.sleep(0.05)
    assert fake.generated <= 20
    fake.recover()
    with kms_calls(fake, generate=3):
        keyring.issue([(context, 3)], here)


def test_what_another_wave_waits_for_is_still_made(fake: FakeKms, context: Context) -> None:
    """A caller that shares a failed wave's keys is not failed by it, unless its own key fails."""
    keyring = DirectKeyring(fake, concurrency=1)
    good = keyring.issue([(context, 2)], here)[0].cells
    bad = good[0][:-1] + bytes([good[0][-1] ^ 1])
    fake.delay = 0.1
    failed: list[BaseException] = []

    def read_all() -> None:
        try:
            keyring.unlock([(context, good[0]), (context, bad), (context, good[1])], here)
        except DecryptionError as error:
            failed.append(error)

    first = threading.Thread(target=read_all)
    first.start()
    time.sleep(0.03)
    with kms_calls(fake, unwrap=2):
        assert keyring.unlock([(context, good[1])], here)
    first.join()
    assert len(failed) == 1


def test_all_who_wait_for_a_failing_key_hear_of_it(fake: FakeKms, context: Context) -> None:
    """One call, one error each, and not the same object, which would mix their tracebacks."""
    keyring = DirectKeyring(fake)
    stored = (context, keyring.issue([(context, 1)], here)[0].cells[0])
    fake.delay = 0.2
    fake.deny()

    def read(at: int) -> BaseException:
        with pytest.raises(KeyProviderError) as caught:
            keyring.unlock([stored], here)
        return caught.value

    with kms_calls(fake, unwrap=1):
        errors = together(8, read)
    assert len({id(error) for error in errors}) == 8
    assert {(type(error), str(error)) for error in errors} == {(KeyProviderError, str(errors[0]))}


async def test_a_cancelled_task_ends_its_wave(fake: FakeKms, context: Context) -> None:
    """Nobody waits, so nothing more is asked; the next caller is served as ever."""
    fake.delay = 0.02
    keyring = DirectKeyring(fake, concurrency=2)
    task = asyncio.create_task(greenlet_spawn(keyring.issue, [(context, 500)], in_loop))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    made = fake.generated
    await asyncio.sleep(0.1)
    assert fake.generated == made < 50
    await greenlet_spawn(keyring.issue, [(context, 2)], in_loop)


async def test_a_task_that_joined_survives_the_cancelled_one(fake: FakeKms, context: Context) -> None:
    """The call goes on for whoever still waits for it."""
    keyring = DirectKeyring(fake)
    stored = (context, keyring.issue([(context, 1)], here)[0].cells[0])
    fake.delay = 0.2
    with kms_calls(fake, unwrap=1):
        first = asyncio.create_task(greenlet_spawn(keyring.unlock, [stored], in_loop))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(greenlet_spawn(keyring.unlock, [stored], in_loop))
        await asyncio.sleep(0.05)
        first.cancel()
        assert (await second)[stored]


def test_cells_go_to_the_provider_that_knows_their_key(context: Context) -> None:
    """By wrap and key id: two KMS keys and a static one, all behind one keyring."""
    here_kms, there, static = FakeKms(name="here"), FakeKms(name="there"), StaticKey(KEY)
    keyring = DirectKeyring(here_kms, opens=[there, static])
    cells = [Envelope(DirectKeyring(each)).seal_many(["a"], context)[0] for each in (here_kms, there, static)]
    with kms_calls(here_kms, unwrap=1), kms_calls(there, unwrap=1):
        assert Envelope(keyring).open_many(cells, context) == [b"a"] * 3
    with kms_calls(here_kms, generate=1), kms_calls(there, generate=0):
        Envelope(keyring).seal_many(["b"], context)


def test_a_static_key_may_write_while_a_kms_opens(fake: FakeKms, context: Context) -> None:
    """The way back from a KMS: nothing new is asked of it."""
    old = Envelope(DirectKeyring(fake)).seal_many(["a"], context)
    envelope = Envelope(DirectKeyring(StaticKey(KEY), opens=[fake]))
    with kms_calls(fake, generate=0, unwrap=1):
        new = envelope.seal_many(["b"], context)
        assert envelope.open_many(old + new, context) == [b"a", b"b"]


def test_local_means_that_no_key_needs_a_call(fake: FakeKms) -> None:
    """One remote provider among those that open is enough to need calls."""
    assert DirectKeyring(StaticKey(KEY)).local
    assert not DirectKeyring(StaticKey(KEY), opens=[fake]).local
    assert not DirectKeyring(fake, opens=[StaticKey(KEY)]).local


@pytest.mark.parametrize("keyring", [DirectKeyring(StaticKey(KEY)), None], ids=["static", "kms"])
def test_a_key_id_that_nobody_knows_makes_no_call(
    keyring: DirectKeyring | None, fake: FakeKms, context: Context
) -> None:
    """The allow-list is looked at here, before anything is sent."""
    cells = Envelope(DirectKeyring(FakeKms(name="unknown"))).seal_many(["a"], context)
    with kms_calls(fake, unwrap=0), pytest.raises(DecryptionError) as caught:
        Envelope(keyring or DirectKeyring(fake)).open_many(cells, context)
    assert caught.value.failure is Failure.UNKNOWN_KEY
    assert caught.value.place == "patient.ssn"


def test_version_2_keys_are_fetched_and_kept_too(fake: FakeKms, context: Context) -> None:
    """Their wrapped key names no key, so the providers are tried in turn."""
    keyring = DirectKeyring(fake)
    wrapped = fake.wrap_v2(b"k" * 32)
    stored = (context, b"\x02" + len(wrapped).to_bytes(2, "big") + wrapped)
    with kms_calls(fake, unwrap=1):
        assert keyring.unlock([stored], here) == keyring.unlock([stored], here) == {stored: b"k" * 32}
    with pytest.raises(DecryptionError) as caught:
        keyring.unlock([(context, b"\x02\x00\x03abc")], here)
    assert caught.value.failure is Failure.UNWRAP


def test_version_1_needs_a_static_key(fake: FakeKms) -> None:
    """A keyring without one says that it holds no such key."""
    with pytest.raises(DecryptionError) as caught:
        DirectKeyring(fake).open_v1(bytes(40))
    assert caught.value.failure is Failure.UNKNOWN_KEY


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"cache_entries": -1}, {"cache_seconds": 0}, {"opens": ["key"]}]
)
def test_impossible_options_are_refused(fake: FakeKms, options: dict[str, object]) -> None:
    """At start, not at the first value."""
    with pytest.raises(ConfigurationError):
        DirectKeyring(fake, **options)  # type: ignore[arg-type]


def test_a_key_is_no_provider() -> None:
    """The likeliest mistake is answered with what to write."""
    with pytest.raises(ConfigurationError, match=r"StaticKey\(\.\.\.\)"):
        DirectKeyring(KEY)  # type: ignore[arg-type]


def test_it_does_not_show_and_is_not_pickled(fake: FakeKms) -> None:
    """Keys are reached from it."""
    assert repr(DirectKeyring(StaticKey(KEY))) == "DirectKeyring(StaticKey(<hidden>, previous=<0>))"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(DirectKeyring(fake))


def test_idle_workers_are_daemons_and_few_values_need_few(fake: FakeKms, context: Context) -> None:
    """A program ends without them, and one value does not start fifty."""
    before = set(threading.enumerate())
    DirectKeyring(fake).issue([(context, 1)], here)
    started = set(threading.enumerate()) - before
    assert len(started) == 1
    assert all(thread.daemon for thread in started)


def test_idle_workers_leave(fake: FakeKms, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without work a thread ends; the next wave starts its own."""
    monkeypatch.setattr("sqlalchemy_envelope.keyring.pool.IDLE_SECONDS", 0.05)
    keyring = DirectKeyring(fake)
    before = set(threading.enumerate())
    keyring.issue([(context, 10)], here)
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not set(threading.enumerate()) - before
    keyring.issue([(context, 10)], here)
