"""One pass over the ranges of a job: in this thread, or on any executor."""

from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from ..plan.plan import Plan
from .bench import Halted, Told
from .worker import Outcome, work

POLL = 0.25
"""Seconds between two looks at how far the workers are, and whether they are to stop."""


def here(plan: Plan, numbers: list[int], halted: Halted, told: Told) -> Generator[Outcome]:
    """One range after the other, in this thread."""
    for number in numbers:
        yield work(plan, number, halted, told)


def elsewhere(
    executor: Executor,
    plan: Plan,
    numbers: list[int],
    workers: int,
    look: Callable[[], None],
    stop: Callable[[], None],
) -> Generator[Outcome]:
    """As many ranges at once as there are workers, which are not left alone.

    `look` is called while they are at it; `stop` where the rest is not wanted, to have them end.
    """
    waiting, under_way = list(reversed(numbers)), set[Future[Outcome]]()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < workers:
                under_way.add(executor.submit(work, plan, waiting.pop()))
            over, under_way = wait(under_way, POLL, FIRST_COMPLETED)
            look()
            for future in over:
                yield future.result()
    finally:
        if under_way:
            stop()
            wait(under_way)
