"""One data key for several values: by count, by age, never for another context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import ConfigurationError, Context, DirectKeyring, Envelope, Reuse, StaticKey
from sqlalchemy_envelope.keyring.keyring import Order
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from .clock import Clock
from .test_direct_keyring import KEY
from .waits import here, together


def test_one_key_serves_so_many_values(fake: FakeKms, context: Context) -> None:
    """Ten values a key: 25 values need three, and five more none."""
    keyring = DirectKeyring(fake, reuse=Reuse(values=10, seconds=60))
    with kms_calls(fake, generate=3):
        (issued,) = keyring.issue([(context, 25)], here)
    assert [issued.cells.count(cell) for cell in dict.fromkeys(issued.cells)] == [10, 10, 5]
    with kms_calls(fake, generate=0):
        (more,) = keyring.issue([(context, 5)], here)
    assert set(more.cells) == {issued.cells[-1]}
    with kms_calls(fake, generate=1):
        keyring.issue([(context, 1)], here)


def test_a_key_is_not_reused_when_old(fake: FakeKms, context: Context) -> None:
    """Its age counts from before it was asked for."""
    clock = Clock()
    keyring = DirectKeyring(fake, reuse=Reuse(values=1000, seconds=60), clock=clock)
    keyring.issue([(context, 1)], here)
    clock.now += 59.9
    with kms_calls(fake, generate=0):
        keyring.issue([(context, 1)], here)
    clock.now += 0.1
    with kms_calls(fake, generate=1):
        keyring.issue([(context, 1)], here)


def test_contexts_do_not_share_a_key(fake: FakeKms, context: Context) -> None:
    """Each column has its own, and each tenant."""
    keyring = DirectKeyring(fake, reuse=Reuse(values=1000, seconds=60))
    others = [context, Context("patient", "name"), Context("patient", "ssn", tenant="a")]
    with kms_calls(fake, generate=3):
        issued = keyring.issue([(each, 7) for each in others], here)
    assert len({cell for each in issued for cell in each.cells}) == 3


def test_values_under_one_key_open_and_differ(fake: FakeKms, context: Context) -> None:
    """The salt gives each its own encryption key: equal values look different, and reading is one call."""
    envelope = Envelope(DirectKeyring(fake, reuse=Reuse(values=100, seconds=60)))
    with kms_calls(fake, generate=1):
        cells = envelope.seal_many(["same"] * 100, context)
    assert len({content for _, content in cells}) == 100
    with kms_calls(fake, unwrap=1):
        assert envelope.open_many(cells, context) == [b"same"] * 100


def test_no_key_serves_more_than_its_values_among_threads(fake: FakeKms, context: Context) -> None:
    """Counted over all threads together."""
    keyring = DirectKeyring(fake, reuse=Reuse(values=10, seconds=60))
    fake.delay = 0.001
    issued = together(8, lambda _: [keyring.issue([(context, 3)], here)[0].cells for _ in range(20)])
    cells = [cell for thread in issued for wave in thread for cell in wave]
    assert len(cells) == 8 * 20 * 3
    assert max(cells.count(cell) for cell in set(cells)) <= 10


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 12))
def test_whatever_is_asked_each_value_gets_a_key_and_no_key_too_many(counts: list[int], values: int) -> None:
    """For any series of orders: as many keys as values, none over its count."""
    fake, context = FakeKms(), Context("t", "c")
    keyring = DirectKeyring(fake, reuse=Reuse(values=values, seconds=60), concurrency=2)
    issued = [keyring.issue([(context, count)], here)[0] for count in counts]
    assert [len(each.cells) for each in issued] == counts
    cells = [cell for each in issued for cell in each.cells]
    assert all(cells.count(cell) <= values for cell in set(cells))
    assert fake.generated == -(-sum(counts) // values)


def test_a_static_key_may_reuse_as_well(context: Context) -> None:
    """The same rule, whoever wraps."""
    keyring = DirectKeyring(StaticKey(KEY), reuse=Reuse(values=10, seconds=60))
    orders: list[Order] = [(context, 10)]
    assert len(set(keyring.issue(orders, here)[0].cells)) == 1


@pytest.mark.parametrize(
    ("values", "seconds"), [(0, 1), (-1, 1), (2**32 + 1, 1), (1.5, 1), (True, 1), (1, 0), (1, float("inf"))]
)
def test_a_key_without_bounds_is_refused(values: int, seconds: float) -> None:
    """At most 2^32 values, and a time that ends."""
    with pytest.raises(ConfigurationError):
        Reuse(values=values, seconds=seconds)


def test_purging_forgets_keys_to_be_reused(fake: FakeKms, context: Context) -> None:
    """The next value has a new one."""
    keyring = DirectKeyring(fake, reuse=Reuse(values=10, seconds=60))
    keyring.issue([(context, 1)], here)
    keyring.purge_cache()
    with kms_calls(fake, generate=1):
        keyring.issue([(context, 1)], here)
