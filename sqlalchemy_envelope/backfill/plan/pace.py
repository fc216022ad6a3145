"""How fast: what a batch should take, what it waits for, and when a job gives up."""

import random
import time
from dataclasses import dataclass

from ...errors import ConfigurationError


@dataclass(frozen=True)
class Pace:
    """Settings of a run. Seconds and rows, unless said otherwise.

    `target`: what a batch should take; its size follows from the speed seen, between `least` and `most` rows
    (of 1,000, 2,000 and 5,000 the second was fastest) and up to `most_bytes` of values. `rest`: idle time
    after each batch. `lock_timeout`: how long a statement waits for a lock. `patience`: how long one place
    may fail with what passes by itself, before the job gives up. `sweeps`: passes over the table before it
    is said that rows keep becoming pending. `quarantine`: rows that can't be moved before it is the source
    that is taken to be wrong. `replica_lag`, `archive_backlog` (WAL files), `vacuum`: what is waited for
    between batches; the last says how long at most, since a vacuum may take hours. None: not looked at.
    """

    target: float = 0.3
    least: int = 100
    most: int = 2_000
    most_bytes: int = 16 * 2**20
    rest: float = 0.0
    lock_timeout: float = 2.0
    patience: float = 300.0
    sweeps: int = 10
    quarantine: int = 1_000
    replica_lag: float | None = 10.0
    archive_backlog: int | None = 42
    vacuum: float | None = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.most or min(self.target, self.most_bytes, self.sweeps) <= 0:
            raise ConfigurationError("a pace has target= and most_bytes= above 0, and least= up to most=")


class Size:
    """How many rows the next batch should have: speed times target, at most twice or half of the last."""

    WEIGHT = 0.4
    """Of the newest speed, in the moving average of all."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._speed = 0.0
        self.rows = pace.least  # until something is known of the size of the values

    def learn(self, rows: int, seconds: float, pending: int = 0, bytes_: int = 0) -> None:
        """From a batch that was done: its rows, how long its slower stage took, and what was pending."""
        if not rows:
            return
        seen = rows / max(seconds, 1e-6)
        self._speed += (seen - self._speed) * (self.WEIGHT if self._speed else 1.0)
        wanted = min(max(self._speed * self._pace.target, self.rows / 2), self.rows * 2)
        fitting = self._pace.most_bytes * pending // bytes_ if bytes_ else self._pace.most
        self.rows = max(1, min(max(int(wanted), self._pace.least), self._pace.most, fitting))

    def halve(self) -> None:
        """For a batch that was too much: a statement was cancelled, or waited for a lock in vain."""
        self.rows = max(1, self.rows // 2)


class Patience:
    """Waits longer each time that something fails at one place, and says when that is enough."""

    FIRST, LONGEST = 0.1, 5.0

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something was done: begin anew."""
        self._began: float | None = None
        self._next = self.FIRST

    def delay(self) -> float | None:
        """Seconds to wait before trying again, spread at random so that workers don't return together."""
        now = time.monotonic()
        self._began = self._began or now
        if now - self._began > self._seconds:
            return None
        delay = self._next * random.uniform(0.5, 1.5)  # noqa: S311
        self._next = min(self._next * 2, self.LONGEST)
        return delay
