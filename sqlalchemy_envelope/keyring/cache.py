"""What was fetched a while ago: the least recently used go first, and none outlives its time.

A state machine without threads, locks or a clock of its own: whoever holds it says what time it is.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeyCache(Generic[K, V]):
    """At most `entries` values, each until the moment given with it; `entries=0` keeps nothing."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._held: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K, now: float) -> V | None:
        """The value, unless it is unknown or its time is up. A hit does not make it live longer."""
        held = self._held.get(key)
        if held is None:
            return None
        if held[1] <= now:
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: K, value: V, expires: float) -> None:
        """Keep `value` until `expires`, in the place of the one least recently used if there is no room."""
        self._held[key] = (value, expires)
        self._held.move_to_end(key)
        if len(self._held) > self._entries:
            self._held.popitem(last=False)

    def pop(self, key: K, now: float) -> V | None:
        """The value, which the cache no longer holds."""
        value = self.get(key, now)
        self._held.pop(key, None)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"KeyCache(<{len(self)} of {self._entries}>)"
