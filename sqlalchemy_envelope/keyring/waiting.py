"""How a caller waits for a wave of keys."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

T = TypeVar("T")

Wait = Callable[[Future[T]], T]
"""How the caller waits: `Future.result`, or under an event loop a way that lets the loop run on."""


def wait_here(future: Future[T]) -> T:
    """The plain way to wait: in this thread."""
    return future.result()
