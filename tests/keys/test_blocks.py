"""Reserved wraps: never more are handed out than were reserved, whatever happens in whatever order."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from sqlalchemy_envelope.keyring.blocks import FIRST, MOST, Blocks, Claim, Need

TENANTS = st.sampled_from([None, "a", "b", "c"])
COUNTS = st.integers(1, 3 * FIRST)
HEADS = st.sampled_from([b"one", b"two", b"three"])


class Reserving(RuleBasedStateMachine):
    """Callers, reservations under way and their landings, on keys that others replace meanwhile."""

    needs, claims = Bundle("needs"), Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.blocks = Blocks(entries=3)
        self.reserved: Counter[bytes] = Counter()
        self.taken: list[Need] = []
        self.waiting: list[Need] = []

    @rule(target=needs, tenant=TENANTS, count=COUNTS)
    def a_caller_comes(self, tenant: str | None, count: int) -> Need:
        """Serves itself, or waits."""
        need = Need(tenant, count)
        if self.blocks.take(need):
            self.taken.append(need)
        else:
            self.blocks.wait(need)
            self.waiting.append(need)
        return need

    @rule(need=needs)
    def a_caller_leaves(self, need: Need) -> None:
        """Whether it was served or not."""
        self.blocks.leave(need)

    @rule(target=claims, tenant=TENANTS)
    def a_reservation_begins(self, tenant: str | None) -> Claim:
        """For all who wait by now."""
        return self.blocks.begin(tenant)

    @rule(claim=consumes(claims), head=HEADS)
    def a_reservation_lands(self, claim: Claim, head: bytes) -> None:
        """On whichever key is active then."""
        self.reserved[head] += claim.wraps
        self.blocks.land(claim, head)
        self.taken += claim.needs
        assert all(need.head == head for need in claim.needs)

    @rule(tenant=TENANTS)
    def a_key_is_of_no_use_any_more(self, tenant: str | None) -> None:
        """Deactivated, too old, or its time is up."""
        self.blocks.drop(tenant)

    @rule()
    def the_cache_is_purged(self) -> None:
        """What is under way lands afterwards."""
        self.blocks.clear()

    @invariant()
    def no_more_is_taken_than_reserved(self) -> None:
        """On any key."""
        taken: Counter[bytes] = Counter()
        for need in self.taken:
            taken[need.head] += need.count
        assert all(taken[head] <= self.reserved[head] for head in taken)
        assert all(block.left >= 0 for block in self.blocks._held.values())
        assert len(self.blocks._held) <= 3


TestReserving = Reserving.TestCase
TestReserving.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@given(st.lists(COUNTS, min_size=1, max_size=30))
def test_a_claim_serves_all_who_wait(counts: list[int]) -> None:
    """Whatever they want together."""
    blocks = Blocks(entries=1)
    needs = [Need("a", count) for count in counts]
    for need in needs:
        blocks.wait(need)
    claim = blocks.begin("a")
    assert claim.wraps == max(FIRST, sum(counts))
    blocks.land(claim, b"head")
    assert all(need.head == b"head" for need in needs)


def test_blocks_double_up_to_the_most() -> None:
    """A process that writes little wastes little; one that writes much asks seldom."""
    blocks, sizes = Blocks(entries=1), []
    for _ in range(9):
        claim = blocks.begin("a")
        blocks.land(claim, b"head")
        blocks.drop("a")
        sizes.append(claim.wraps)
    assert sizes == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, 32 * FIRST, MOST, MOST, MOST]


def test_a_block_is_low_before_it_is_empty() -> None:
    """So that the next is there in time."""
    blocks = Blocks(entries=1)
    blocks.land(blocks.begin("a"), b"head")
    assert blocks.take(Need("a", FIRST // 4 * 3))
    assert not blocks.is_low("a")
    assert blocks.take(Need("a", 1))
    assert blocks.is_low("a")
