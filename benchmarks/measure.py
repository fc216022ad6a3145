"""Timing that can be believed on a noisy machine: variants in turn, round by round, and their medians."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat

Work = Callable[[], object]


def medians(
    variants: Mapping[str, Work], each: int, rounds: int, before: Work | None = None
) -> dict[str, float]:
    """Microseconds for one of the `each` things that a variant does at once: the median of `rounds`.

    The variants take turns, so that all meet the same machine. The collector runs before each and is left on.
    """
    seen: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            if before is not None:
                before()
            gc.collect()
            began = time.perf_counter()
            work()
            seen[name].append((time.perf_counter() - began) / each * 1e6)
    return {name: statistics.median(times) for name, times in seen.items()}


def paced(variants: Mapping[str, tuple[Work, int]], seconds: float, rounds: int) -> dict[str, float]:
    """As `medians`, where speeds differ by orders: each is called so often that a round takes `seconds`.

    With each variant, how many things it does at once. At least one call a round.
    """
    calls = {name: max(1, int(seconds / _once(work))) for name, (work, _) in variants.items()}
    seen: dict[str, list[float]] = {name: [] for name in variants}
    with _heap_at_rest():
        for _ in range(rounds):
            for name, (work, each) in variants.items():
                gc.collect()
                began = time.perf_counter()
                for _ in repeat(None, calls[name]):
                    work()
                seen[name].append((time.perf_counter() - began) / (calls[name] * each) * 1e6)
    return {name: statistics.median(times) for name, times in seen.items()}


@contextmanager
def _heap_at_rest() -> Iterator[None]:
    """What is there already is left out of collections: a peer's modules alone take a tenth of a second."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _once(work: Work) -> float:
    """Seconds of a call, once warm."""
    work()
    began = time.perf_counter()
    work()
    return max(time.perf_counter() - began, 1e-7)


def collecting(variants: Mapping[str, Work], each: int, rounds: int, before: Work) -> dict[str, float]:
    """Microseconds for one thing that Python's collector takes out of a variant: the median of `rounds`."""
    seen: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            before()
            gc.collect()
            with _collections() as times:
                work()
            seen[name].append(sum(times) / each * 1e6)
    return {name: statistics.median(times) for name, times in seen.items()}


@contextmanager
def _collections() -> Iterator[list[float]]:
    """Seconds of each collection while this is open, in one list with the signs of clock readings."""
    readings: list[float] = []

    def told(phase: str, _: object) -> None:
        readings.append(-time.perf_counter() if phase == "start" else time.perf_counter())

    gc.callbacks.append(told)
    try:
        yield readings
    finally:
        gc.callbacks.remove(told)
