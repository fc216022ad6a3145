"""Waves of calls: which are still to be made, which are under way, and who waits for each.

A state machine without threads, locks or I/O, under the lock of whoever holds it. A caller has one wave and
waits for one future. A call asked for again while it is under way is joined, not repeated; one that
nobody waits for any longer is never made. No call waits for another, so a bounded pool can't deadlock.
"""

import copy
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, InvalidStateError
from typing import Any

from ..errors import EnvelopeError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


class Wave:
    """The calls that one caller waits for: over with the last of them, or with the first error."""

    __slots__ = ("error", "future", "left", "over", "queue")

    def __init__(self) -> None:
        self.future: Future[None] = Future()
        self.queue: deque[Call] = deque()
        self.left = 0
        self.over = False
        self.error: BaseException | None = None

    @property
    def waiting(self) -> bool:
        """Whether the caller still wants an answer; a cancelled task cancels its future."""
        return not (self.over or self.future.cancelled())

    def release(self) -> None:
        """Let the caller go on. Runs callbacks of the future, so never under a lock."""
        try:
            if self.error is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(self.error)
        except InvalidStateError:  # the caller gave up
            pass


class Call:
    """One call: `make` makes it, `waves` wait for it; calls of one `key` are the same; None is unlike any."""

    __slots__ = ("error", "key", "make", "result", "waves")

    def __init__(self, make: Callable[[], object], key: Any = None) -> None:
        self.make = make
        self.key = key
        self.waves: list[Wave] = []
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make the call and keep what came of it."""
        try:
            self.result = self.make()
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            self.error = error

    def __repr__(self) -> str:
        return "Call()"


class Board:
    """All waves of one keyring. They take turns call by call, so a small one never waits for a large one."""

    def __init__(self) -> None:
        self._turns: deque[Wave] = deque()
        self._under_way: dict[Hashable, Call] = {}

    @property
    def idle(self) -> bool:
        """Whether no call waits to be taken."""
        return not self._turns

    def find(self, key: Hashable) -> Call | None:
        """The call under way for `key`."""
        return self._under_way.get(key)

    def ask(self, wave: Wave, call: Call) -> None:
        """Have `wave` wait for `call`, which some wave has queued already if it is under way."""
        if not call.waves:
            wave.queue.append(call)
            if call.key is not None:
                self._under_way[call.key] = call
        call.waves.append(wave)
        wave.left += 1

    def start(self, wave: Wave) -> None:
        """Give `wave` its turns."""
        if wave.queue:
            self._turns.append(wave)

    def take(self) -> Call | None:
        """The next call that somebody waits for."""
        while self._turns:
            wave = self._turns.popleft()
            call = wave.queue.popleft()
            if wave.queue:
                self._turns.append(wave)
            if any(each.waiting for each in call.waves):
                return call
            self._forget(call)
        return None

    def settle(self, call: Call) -> list[Wave]:
        """Take a made call off the board: the waves that are over with it, to be released."""
        self._forget(call)
        over: list[Wave] = []
        for wave in call.waves:
            wave.left -= 1
            if wave.over or (wave.left and call.error is None):
                continue
            wave.over = True
            wave.error = _own(call.error) if over else call.error
            over.append(wave)
        return over

    def share_no_more(self) -> None:
        """Let nobody join the calls under way: who asks from now on gets a new one."""
        self._under_way.clear()

    def _forget(self, call: Call) -> None:
        if self._under_way.get(call.key) is call:
            del self._under_way[call.key]


def _own(error: BaseException | None) -> BaseException | None:
    """A copy for one more caller: two threads raising one exception object would mix their tracebacks."""
    return copy.copy(error) if isinstance(error, EnvelopeError) else error
