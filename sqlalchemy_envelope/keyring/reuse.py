"""One data key for several values, where a call each would be too many: how many, and for how long.

Safe because each value's salt gives it an encryption key of its own (docs/wire-format.md). What it costs is
the grain: whoever learns one data key opens all the values that share it.
"""

import math
from dataclasses import dataclass

from ..cipher import DataKey
from ..errors import ConfigurationError
from .cache import KeyCache

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

MAX_VALUES = 2**32
CONTEXTS = 1024


@dataclass(frozen=True)
class Reuse:
    """Let one data key serve `values` values of one context (at most 2^32) within `seconds` of its making."""

    values: int
    seconds: float

    def __post_init__(self) -> None:
        if type(self.values) is not int or not 1 <= self.values <= MAX_VALUES:
            raise ConfigurationError("Reuse(values=) is a whole number from 1 to 2^32")
        if not 0 < self.seconds < math.inf:
            raise ConfigurationError("Reuse(seconds=) is a positive number of seconds")


class Spares:
    """Data keys that may still serve values, at most one a context. The caller locks and tells the time."""

    def __init__(self, reuse: Reuse) -> None:
        self._reuse = reuse
        self._held: KeyCache[bytes, tuple[DataKey, int, float]] = KeyCache(CONTEXTS)

    def take(self, wrap: bytes, count: int, now: float) -> list[DataKey]:
        """Data keys for up to `count` values of the wrap context, from what is left over."""
        spare = self._held.pop(wrap, now)
        if spare is None:
            return []
        key, left, expires = spare
        self._keep(wrap, key, left - count, expires)
        return [key] * min(left, count)

    def calls(self, count: int) -> int:
        """How many new data keys serve `count` values."""
        return -(-count // self._reuse.values)

    def spread(self, wrap: bytes, made: list[DataKey], count: int, asked_at: float) -> list[DataKey]:
        """Data keys for `count` values from the new ones; what is left of the last is kept."""
        values = self._reuse.values
        if made:
            self._keep(wrap, made[-1], values * len(made) - count, asked_at + self._reuse.seconds)
        return [made[at // values] for at in range(count)]

    def _keep(self, wrap: bytes, key: DataKey, left: int, expires: float) -> None:
        if left > 0:
            self._held.put(wrap, (key, left, expires), expires)

    def __repr__(self) -> str:
        return f"Spares(<{len(self._held)}>)"
