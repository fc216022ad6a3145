"""The threads that make a keyring's calls: few, its own, daemons, started when needed and gone when idle.

Daemons, because a thread of `ThreadPoolExecutor` is joined at exit: a KMS that hangs would hang the exit.
The caller wakes or starts one worker; each worker that finds more to do brings the next. That spreads the
cost, and the contention for the interpreter, over the wave, instead of having it in the caller's event loop.
"""

import threading
from collections.abc import Callable

from ..errors import KeyProviderError
from .wave import Board, Call, Wave

IDLE_SECONDS = 20.0


class Pool:
    """At most `size` threads over one board. `landed(call)` is told of each made call, under `lock`."""

    def __init__(self, size: int, landed: Callable[[Call], None]) -> None:
        self.lock = threading.Lock()
        self.board = Board()
        self._landed = landed
        self._size = size
        self._more = threading.Condition(self.lock)
        self._threads = 0
        self._resting = 0

    def start(self, wave: Wave) -> bool:
        """Have the calls of `wave` made: whether there is anything to wait for. The caller holds `lock`."""
        self.board.start(wave)
        self._bring_one()
        return wave.left > 0

    def _bring_one(self) -> None:
        if self.board.idle:
            return
        if self._resting:
            self._more.notify()
        elif self._threads < self._size:
            self._threads += 1
            try:
                threading.Thread(target=self._work, name="sqlalchemy-envelope", daemon=True).start()
            except RuntimeError as error:  # no more threads: the others do the work, if there are any
                self._threads -= 1
                if not self._threads:
                    raise KeyProviderError("no thread to call KMS with", retryable=True) from error

    def _work(self) -> None:
        with self.lock:
            call = self._next()
        while call is not None:
            call.run()
            call = self._settle(call)

    def _settle(self, made: Call) -> Call | None:
        with self.lock:
            self._landed(made)
            over = self.board.settle(made)
            call = None if over else self._next()
        if not over:
            return call
        for wave in over:
            wave.release()
        with self.lock:
            return self._next()

    def _next(self) -> Call | None:
        """The next call, waiting for one; None when there was none for a while, and the thread ends."""
        while (call := self.board.take()) is None:
            self._resting += 1
            woken = self._more.wait(IDLE_SECONDS)
            self._resting -= 1
            if not woken and self.board.idle:
                self._threads -= 1
                return None
        self._bring_one()
        return call
