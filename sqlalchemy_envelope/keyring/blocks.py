"""Wraps reserved on key-encryption keys, in blocks: what is left for each tenant, and who waits for more.

A state machine without threads, locks or I/O, under the lock of whoever holds it. A process that dies wastes
what was left of its blocks, so they begin small and double while they are used up.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

FIRST, MOST = 1_024, 65_536
LOW_PART = 4
"""When a fourth of a block is left, the next is reserved."""

Tenant = str | None


@dataclass(eq=False, repr=False, slots=True)
class Need:
    """`count` wraps that one caller needs now; `head`: of the key on which it got them."""

    tenant: Tenant
    count: int
    head: bytes = b""


@dataclass(eq=False, repr=False, slots=True)
class Block:
    """What is `left` of the wraps reserved on one key, and how many were reserved at once the last time."""

    head: bytes
    left: int
    size: int


@dataclass(eq=False, repr=False, slots=True)
class Claim:
    """A reservation that is about to be made: `wraps` of them, first of all for `needs`."""

    tenant: Tenant
    wraps: int
    needs: list[Need] = field(default_factory=list)


class Blocks:
    """A block for each of at most `entries` tenants; the least recently used is forgotten first."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._held: OrderedDict[Tenant, Block] = OrderedDict()
        self._waiting: dict[Tenant, list[Need]] = {}

    def head(self, tenant: Tenant) -> bytes:
        """Of the key on which wraps are reserved; empty where there is none."""
        block = self._held.get(tenant)
        return b"" if block is None else block.head

    def take(self, need: Need) -> bool:
        """Serve `need` from what is left, if that is enough."""
        block = self._held.get(need.tenant)
        if block is None or block.left < need.count:
            return False
        block.left -= need.count
        need.head = block.head
        self._held.move_to_end(need.tenant)
        return True

    def is_low(self, tenant: Tenant) -> bool:
        """Whether it is time to reserve the next block."""
        block = self._held.get(tenant)
        return block is not None and block.left < block.size // LOW_PART

    def drop(self, tenant: Tenant) -> None:
        """What is left is of no use: its key wraps no more."""
        block = self._held.get(tenant)
        if block is not None:
            block.left = 0

    def wait(self, need: Need) -> None:
        """Have the next reservation for its tenant serve `need`."""
        self._waiting.setdefault(need.tenant, []).append(need)

    def leave(self, need: Need) -> None:
        """Nobody wants it any more."""
        needs = self._waiting.get(need.tenant, [])
        if need in needs:
            needs.remove(need)

    def begin(self, tenant: Tenant) -> Claim:
        """The reservation for all who wait now; who comes later waits for the next."""
        needs = self._waiting.pop(tenant, [])
        block = self._held.get(tenant)
        size = FIRST if block is None else min(MOST, 2 * block.size)
        return Claim(tenant, max(size, sum(need.count for need in needs)), needs)

    def land(self, claim: Claim, head: bytes) -> None:
        """The wraps of `claim` were reserved on the key of `head`: serve those who wait, keep the rest."""
        left = claim.wraps
        for need in claim.needs:
            need.head = head
            left -= need.count
        block = self._held.get(claim.tenant)
        if block is not None and block.head == head:
            left += block.left
        self._held[claim.tenant] = Block(head, left, min(claim.wraps, MOST))
        self._held.move_to_end(claim.tenant)
        if len(self._held) > self._entries:
            self._held.popitem(last=False)

    def clear(self) -> None:
        """Forget everything that is left."""
        self._held.clear()

    def __repr__(self) -> str:
        return f"Blocks(<{len(self._held)}>)"
