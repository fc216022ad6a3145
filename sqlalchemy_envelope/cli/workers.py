"""Who does the work: threads, or processes of their own."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

from .stopping import left_to_parent


@contextmanager
def executor(workers: int, *, processes: bool) -> Iterator[Executor | None]:
    """For so many workers; None for a single one, which is the process itself."""
    if processes:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=spawn, initializer=left_to_parent) as pool:
            yield pool
    elif workers > 1:
        with ThreadPoolExecutor(workers, thread_name_prefix="backfill") as pool:
            yield pool
    else:
        yield None
