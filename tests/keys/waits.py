"""Ways to wait, and things to happen, for tests of many callers at once."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy.util import await_only

T = TypeVar("T")


def here(future: "Future[Any]") -> Any:
    """Wait in this thread."""
    return future.result(timeout=20)


def in_loop(future: "Future[Any]") -> Any:
    """Wait as the engine does under asyncio: the loop runs on."""
    return await_only(asyncio.wrap_future(future))


def together(count: int, act: Callable[[int], T]) -> list[T]:
    """What `act(0)` to `act(count - 1)` return, called at the same moment by a thread each."""
    ready = threading.Barrier(count)
    futures: list[Future[T]] = [Future() for _ in range(count)]

    def run(at: int) -> None:
        ready.wait()
        try:
            futures[at].set_result(act(at))
        except BaseException as error:  # noqa: BLE001 - raised again below
            futures[at].set_exception(error)

    threads = [threading.Thread(target=run, args=(at,), daemon=True) for at in range(count)]
    for thread in threads:
        thread.start()
    return [future.result(timeout=30) for future in futures]
