"""How fast to call a service that throttles: half as fast when it says so, a little faster when it answers.

botocore's adaptive mode does the same, but its token bucket sleeps for as long as it takes (50 threads at its
least rate: minutes). Here a call that would have to wait beyond its own deadline is refused at once instead.
A state machine: the caller locks, sleeps and tells the time.
"""

LEAST_SECONDS = 0.002
MOST_SECONDS = 1.0
SAME_EVENT_SECONDS = 0.1
RECOVERY = 0.95


class Pace:
    """The seconds between two calls: none until the first throttling."""

    def __init__(self) -> None:
        self.interval = 0.0
        self._next = 0.0
        self._slowed = -SAME_EVENT_SECONDS

    def slot(self, now: float, latest: float) -> float | None:
        """When the next call may begin; None, and nothing reserved, if that is after `latest`."""
        at = max(now, self._next)
        if at > latest:
            return None
        self._next = at + self.interval
        return at

    def throttled(self, now: float) -> None:
        """Slow down. Calls made at the same time are throttled together and count once."""
        if now - self._slowed >= SAME_EVENT_SECONDS:
            self._slowed = now
            self.interval = min(max(2 * self.interval, LEAST_SECONDS), MOST_SECONDS)

    def succeeded(self) -> None:
        """Speed up a little."""
        self.interval = 0.0 if self.interval < LEAST_SECONDS else self.interval * RECOVERY
