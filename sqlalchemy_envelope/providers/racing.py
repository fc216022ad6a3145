"""Asking several providers at once: nobody waits long for one that is dead."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

from ..errors import EnvelopeError, KeyProviderError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

T = TypeVar("T")
Ask = Callable[[], T]
Late = Callable[[int], None]
"""Told the number of one that failed, or has not answered in time."""


def first_answer(asks: Sequence[Ask[T]], hedge: float, late: Late) -> T:
    """What the first one to succeed returns.

    The next is asked when one fails or has not answered for `hedge` seconds. Raises the most hopeful error
    once all have failed.
    """
    if len(asks) == 1:
        return asks[0]()
    left, waiting, errors = list(enumerate(asks)), dict[Future[T], int](), list[BaseException]()
    while left or waiting:
        if left:
            number, ask = left.pop(0)
            waiting[_begun(ask)] = number
        done, _ = wait(waiting, timeout=hedge if left else None, return_when=FIRST_COMPLETED)
        if not done:
            late(number)
        for future in done:
            failed = waiting.pop(future)
            error = future.exception()
            if error is None:
                return future.result()
            errors.append(error)
            if isinstance(error, KeyProviderError):
                late(failed)
    raise most_hopeful(errors)


def all_answers(asks: Sequence[Ask[T]], patience: Sequence[float]) -> list[T | BaseException]:
    """What each returns or raises, all asked at once.

    For one that takes longer than its patience, in seconds, a `KeyProviderError` that is retryable.
    """
    begun, futures = time.monotonic(), [_begun(ask) for ask in asks]
    answers: list[T | BaseException] = []
    for future, seconds in zip(futures, patience, strict=True):
        try:
            answers.append(future.result(max(0.0, begun + seconds - time.monotonic())))
        except TimeoutError:
            answers.append(KeyProviderError("did not answer in time", retryable=True))
        except Exception as error:  # noqa: BLE001 - the caller weighs them all
            answers.append(error)
    return answers


def most_hopeful(errors: Sequence[BaseException]) -> BaseException:
    """A provider's error that may pass by itself, else one that someone may mend, else what never opens.

    Before them all, what no provider means to raise.
    """
    return min(errors, key=_hope)


def _hope(error: BaseException) -> int:
    if isinstance(error, KeyProviderError):
        return 1 if error.retryable else 2
    return 3 if isinstance(error, EnvelopeError) else 0


def _begun(ask: Ask[T]) -> "Future[T]":
    """The answer to come, from a thread that holds up no exit: it ends with the provider's time budget."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = ask()
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        threading.Thread(target=run, name="sqlalchemy-envelope region", daemon=True).start()
    except RuntimeError:
        run()  # no more threads: one after the other, then
    return future
