"""Being told to stop: a job ends after the batch that it is at."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(*signals: signal.Signals) -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, or the signals given, to be handed to `run(stop=...)`.

    In another thread than the main one no handler can be installed: the event is then merely an event.
    """
    stop = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    wanted = signals or (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, told) for each in wanted}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
