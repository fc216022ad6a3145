"""The threads that make a keyring's calls: few, its own, daemons, started when needed and gone when idle.

Daemons, because a thread of `ThreadPoolExecutor` is joined at exit: a KMS that hangs would hang the exit.
The caller wakes or starts one worker; each worker that finds more to do brings the next. That spreads the
cost, and the contention for the interpreter, over the wave, instead of having it in the caller's event loop.
"""

import threading
import time
from collections.abc import Callable

from ..errors import KeyProviderError
from .waiting import Wait
from .wave import Board, Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

IDLE_SECONDS = 20.0
STAGGER_SECONDS = 0.0003


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
        while self._rest():
            call = self._take_first()
            while call is not None:
                call.run()
                call = self._take_next(call)

    def _rest(self) -> bool:
        """Wait for work: False when there was none for a while, and the thread ends."""
        with self.lock:
            while self.board.idle:
                self._resting += 1
                woken = self._more.wait(IDLE_SECONDS)
                self._resting -= 1
                if not woken and self.board.idle:
                    self._threads -= 1
                    return False
        return True

    def _take_first(self) -> Call | None:
        """A call, once the next worker is on its way."""
        with self.lock:
            call = self.board.take()
            alone = self.board.idle
        if not alone:
            time.sleep(STAGGER_SECONDS)
            with self.lock:
                self._bring_one()
        return call

    def _take_next(self, made: Call) -> Call | None:
        """Hand over a made call, and take another if there is one."""
        with self.lock:
            self._landed(made)
            over = self.board.settle(made)
            call = self.board.take()
        for wave in over:
            wave.release()
        return call


def wait_for(wave: Wave, wait: Wait[None]) -> None:
    """Wait until `wave` is over; raises its first error."""
    try:
        wait(wave.future)
    except BaseException:
        wave.future.cancel()  # nobody waits any longer: what was not begun is not made
        raise
