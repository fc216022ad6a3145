"""The live key-encryption keys of a process, by the head of the cells that each wrapped; bounded.

A state machine without threads, locks or a clock of its own. One thing is read without the lock: `held`, by
whoever opens a value. So the mapping stays the same one for good, and what leaves it ends.
"""

from collections import OrderedDict

from .kek import Kek

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


class Keks:
    """At most `entries` keys; the least recently used goes first."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self.held: OrderedDict[bytes, Kek] = OrderedDict()

    def live(self, head: bytes, now: float) -> Kek | None:
        """The key, if its time is not up. One whose time is up stays, for an outage or to be confirmed."""
        kek = self.held.get(head)
        if kek is None:
            return None
        self.held.move_to_end(head)
        return kek if kek.expires > now else None

    def holds(self, kek: Kek) -> bool:
        """Whether just this one is held."""
        return self.held.get(kek.head) is kek

    def put(self, kek: Kek) -> None:
        """Keep it, in the place of an older one of its id or of the one least recently used."""
        before = self.held.get(kek.head)
        if before is not None and before is not kek:
            before.end()
        self.held[kek.head] = kek
        self.held.move_to_end(kek.head)
        if len(self.held) > self._entries:
            self.held.popitem(last=False)[1].end()

    def drop(self, kek: Kek) -> None:
        """Forget it, at once and for all who hold it."""
        kek.end()
        if self.holds(kek):
            del self.held[kek.head]

    def ageing(self, now: float) -> list[Kek]:
        """All whose state is worth reading along with another's."""
        return [kek for kek in self.held.values() if kek.ageing(now)]

    def clear(self) -> None:
        """Forget everything."""
        for kek in self.held.values():
            kek.end()
        self.held.clear()

    def __len__(self) -> int:
        return len(self.held)

    def __repr__(self) -> str:
        return f"Keks(<{len(self)} of {self._entries}>)"
