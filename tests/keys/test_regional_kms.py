"""Keys in several regions: one that is lost is not noticed, and none is missed by mistake."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import boto3
import pytest

from sqlalchemy_envelope import (
    AwsKms,
    ConfigurationError,
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    KeyProviderError,
    RegionalKms,
    StaticKey,
    TieredKeyring,
)
from sqlalchemy_envelope.keyring.custody import is_rewrapped, make_kek, rewrap_kek, unwrap_kek
from sqlalchemy_envelope.keyring.store import WrappedKek
from sqlalchemy_envelope.providers import regional
from sqlalchemy_envelope.providers.provider import KeyProvider
from sqlalchemy_envelope.testing import FakeKms
from sqlalchemy_envelope.wire import KeyCell

from . import stub as answers
from .clock import Clock
from .memory_store import MemoryStore
from .stub import ARN, Stub, running_stub

WEST_ARN = ARN.replace("eu-central-1", "eu-west-1")
HEDGE = 0.05


@pytest.fixture
def east() -> FakeKms:
    """The region that is asked first."""
    return FakeKms(name="east")


@pytest.fixture
def west() -> FakeKms:
    """The other."""
    return FakeKms(name="west")


@pytest.fixture
def both(east: FakeKms, west: FakeKms, clock: Clock) -> RegionalKms:
    """Both of them."""
    return RegionalKms(east, west, hedge_seconds=HEDGE, clock=clock)


def down(region: FakeKms) -> None:
    """As in an outage."""
    region.fail(KeyProviderError("down", retryable=True))


def test_a_key_is_wrapped_by_all_and_opened_by_any(both: RegionalKms, east: FakeKms, west: FakeKms) -> None:
    """One call each to make it, and one in all to open it."""
    key, kek = make_kek(both, uuid4(), "acme")
    assert kek.names == ["east", "west"]
    assert [KeyCell.parse(cell).key_id for cell in kek.cells] == [east.key_id, west.key_id]
    assert (east.generated, west.generated, east.wrapped, west.wrapped) == (1, 0, 0, 1)
    assert unwrap_kek([both], kek) == key
    assert (east.unwrapped, west.unwrapped) == (1, 0)
    for alone in (east, west):
        assert unwrap_kek([alone], kek) == key


def test_a_lost_region_is_not_noticed(both: RegionalKms, east: FakeKms, west: FakeKms, clock: Clock) -> None:
    """Values are read and written, for new tenants too; it is asked again only after a while."""
    store = MemoryStore(clock)
    before = Envelope(TieredKeyring(both, store=store, clock=clock))
    place = Context("patient", "ssn", tenant="acme")
    pairs = before.seal_many([b"x"], place)
    down(east)
    envelope = Envelope(TieredKeyring(both, store=store, clock=clock))
    assert envelope.open_many(pairs, place) == [b"x"]
    asked = east.unwrapped
    new = Context("patient", "ssn", tenant="new")
    assert envelope.open_many(envelope.seal_many([b"y"], new), new) == [b"y"]
    assert Envelope(TieredKeyring(both, store=store, clock=clock)).open_many(pairs, place) == [b"x"]
    assert east.unwrapped == asked == 1
    east.recover()
    clock.now += regional.QUIET_SECONDS + 1
    assert Envelope(TieredKeyring(both, store=store, clock=clock)).open_many(pairs, place) == [b"x"]
    assert east.unwrapped == 2


def test_a_region_that_hangs_costs_the_hedge_once(both: RegionalKms, east: FakeKms, west: FakeKms) -> None:
    """Its answer is not waited for, and then it is asked last."""
    key, kek = make_kek(both, uuid4(), None)
    east.delay = 2.0
    began = time.monotonic()
    assert unwrap_kek([both], kek) == key
    first = time.monotonic() - began
    assert HEDGE <= first < 1.0
    assert unwrap_kek([both], kek) == key
    assert (east.unwrapped, west.unwrapped) == (1, 2)
    new, written = make_kek(both, uuid4(), None)
    assert written.names == ["west"]
    assert time.monotonic() - began < 1.8
    assert unwrap_kek([both], written) == new


def test_a_key_that_a_region_missed_is_completed_later(
    both: RegionalKms, east: FakeKms, west: FakeKms, clock: Clock
) -> None:
    """By rewrapping it, which fails while the region is away."""
    down(west)
    key, kek = make_kek(both, uuid4(), "acme")
    assert (kek.names, is_rewrapped(both, kek)) == (["east"], False)
    with pytest.raises(KeyProviderError) as failure:
        rewrap_kek([both], kek)
    assert failure.value.retryable
    west.recover()
    whole = rewrap_kek([both], kek)
    assert (whole.names, is_rewrapped(both, whole)) == (["east", "west"], True)
    assert whole.cells[0] == kek.cells[0]
    assert (east.rewrapped, west.rewrapped) == (0, 0)
    down(east)
    assert unwrap_kek([both], whole) == key


def test_too_few_regions_make_no_key(east: FakeKms, west: FakeKms) -> None:
    """With all demanded one outage is too much; a region that refuses is always too much."""
    strict = RegionalKms(east, west, at_least=2, hedge_seconds=HEDGE)
    for lost in (east, west):
        down(lost)
        with pytest.raises(KeyProviderError) as failure:
            make_kek(strict, uuid4(), None)
        assert failure.value.retryable
        lost.recover()
    for refusing in (east, west):
        refusing.deny()
        with pytest.raises(KeyProviderError) as failure:
            make_kek(RegionalKms(east, west, hedge_seconds=HEDGE), uuid4(), None)
        assert not failure.value.retryable
        refusing.recover()


def test_all_regions_lost_is_an_outage(both: RegionalKms, east: FakeKms, west: FakeKms) -> None:
    """Retryable, and over when one is back."""
    key, kek = make_kek(both, uuid4(), None)
    down(east)
    west.deny()
    for call in (lambda: unwrap_kek([both], kek), lambda: make_kek(both, uuid4(), None)):
        with pytest.raises(KeyProviderError) as failure:
            call()
        assert failure.value.retryable
    west.recover()
    assert unwrap_kek([both], kek) == key


def test_a_damaged_cell_leaves_the_other(both: RegionalKms) -> None:
    """Only when none opens does the key never open; another tenant's never does."""
    key, kek = make_kek(both, uuid4(), "acme")
    first, second = kek.cells
    damaged = first[:-1] + bytes([first[-1] ^ 1])
    assert unwrap_kek([both], replace(kek, cells=[damaged, second])) == key
    assert unwrap_kek([both], replace(kek, cells=[b"\xed", second])) == key
    for never in (
        replace(kek, cells=[damaged, second[:40]]),
        replace(kek, tenant="other"),
        replace(kek, cells=[]),
    ):
        with pytest.raises(DecryptionError):
            unwrap_kek([both], never)


def test_replicas_of_one_key_share_a_cell(east: FakeKms) -> None:
    """So they serve direct values as well."""
    replica = FakeKms(name="east")
    both = RegionalKms(east, replica, hedge_seconds=HEDGE)
    _, kek = make_kek(both, uuid4(), None)
    assert len(kek.cells) == 1
    place = Context("patient", "ssn")
    pairs = Envelope(DirectKeyring(both)).seal_many([b"x"], place)
    down(east)
    fresh = Envelope(DirectKeyring(both))
    assert fresh.open_many(pairs, place) == [b"x"]
    assert fresh.open_many(fresh.seal_many([b"y"], place), place) == [b"y"]


def test_separate_keys_write_no_direct_value(both: RegionalKms) -> None:
    """It would have one cell, and be lost with its region."""
    with pytest.raises(ConfigurationError, match="write by tiers"):
        Envelope(DirectKeyring(both)).seal_many([b"x"], Context("patient", "ssn"))


def test_what_can_not_work_is_refused(east: FakeKms, west: FakeKms) -> None:
    """One region, a key of the application's own, a demand that can't be met, no time."""
    for wrong in (
        lambda: RegionalKms(east),
        lambda: RegionalKms(east, StaticKey(bytes(range(32)))),  # type: ignore[arg-type]
        lambda: RegionalKms(east, west, at_least=3),
        lambda: RegionalKms(east, west, at_least=0),
        lambda: RegionalKms(east, west, hedge_seconds=0),
    ):
        with pytest.raises(ConfigurationError, match="RegionalKms"):
            wrong()


def test_keys_move_between_custodians(both: RegionalKms, east: FakeKms) -> None:
    """From a static key to two regions, to one, and back: always the same key."""
    static = StaticKey(bytes(range(32)))
    key, kek = make_kek(static, uuid4(), "acme")
    regional_kek = rewrap_kek([both, static], kek)
    one = rewrap_kek([east, both], regional_kek)
    back = rewrap_kek([static, east], one)
    providers: list[KeyProvider] = [both, east, static]
    for each, names in ((regional_kek, ["east", "west"]), (one, ["east"]), (back, [static.key_name])):
        assert list(each.names) == names
        assert unwrap_kek(providers, each) == key
    assert one.cells[0] == regional_kek.cells[0]


class Region:
    """A KMS on loopback and the provider that calls it by boto3."""

    def __init__(self, arn: str, server: Stub) -> None:
        self.server = server
        client = boto3.client(
            "kms",
            region_name=arn.split(":")[3],
            endpoint_url=server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self.kms = AwsKms(arn, lambda: client, time_budget=0.3)


@pytest.fixture
def regions() -> Iterator[list[Region]]:
    """Two of them."""
    with ExitStack() as stack:
        yield [Region(arn, stack.enter_context(running_stub())) for arn in (ARN, WEST_ARN)]


Damage = Callable[[Region], None]
BAD: dict[str, Damage] = {
    "throttles": lambda region: region.server.always(answers.failing("ThrottlingException")),
    "fails": lambda region: region.server.always(answers.failing("KMSInternalException", 500)),
    "hangs up": lambda region: region.server.always(answers.hang_up),
    "hangs": lambda region: region.server.always(answers.after(1.0)),
    "denies": lambda region: region.server.always(answers.failing("AccessDeniedException")),
    "lies": lambda region: region.server.always(answers.replies(KeyId=WEST_ARN, Plaintext=b"short")),
}


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("how", BAD)
def test_by_the_real_client_too(regions: list[Region], lost: int, how: str) -> None:
    """Whatever is wrong with one region, what was written by both is read."""
    both = RegionalKms(*(each.kms for each in regions), hedge_seconds=0.2)
    key, kek = make_kek(both, uuid4(), "acme")
    assert [len(each.server.requests) for each in regions] == [1, 1]
    BAD[how](regions[lost])
    for _ in range(2):
        assert unwrap_kek([both], kek) == key


def test_a_wrapped_key_without_cells_never_opens(both: RegionalKms) -> None:
    """As after its destruction."""
    with pytest.raises(DecryptionError):
        unwrap_kek([both], WrappedKek(uuid4(), None, (), ()))
