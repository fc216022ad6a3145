"""SIGTERM and Ctrl-C: a run ends after the batch that is under way, a second Ctrl-C ends it at once."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import FrameType

from .exits import Exit
from .terminal import Terminal

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether somebody asked to stop, and by which signal."""

    def __init__(self, terminal: Terminal) -> None:
        self.event = threading.Event()
        self._terminal = terminal
        self._number: int | None = None

    @property
    def exit(self) -> Exit:
        """The code of a run that ended before its work did."""
        return Exit.INTERRUPTED if self._number == signal.SIGINT else Exit.STOPPED

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._number = number
        self.event.set()
        self._terminal.aside("stopping after this batch ...")


@contextmanager
def stopping(terminal: Terminal) -> Iterator[Stop]:
    """Both signals are a wish to stop for the time of a block."""
    stop = Stop(terminal)
    before = {each: signal.signal(each, stop.handle) for each in SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends a block by way of every `finally`, as Ctrl-C does: what a command set back is set back."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(Exit.STOPPED)


def left_to_parent() -> None:
    """For a worker process: whoever signals the whole group means the one that hands out the work.

    Where that one is gone without a word, by SIGKILL, so is this: it would hold keys and wait for good.
    """
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(Exit.STOPPED)
