"""How far a job is, while it runs: a bar for who looks on, nothing for a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ..backfill.batches.checkpoint import Progress as Reached
from .figures import count, duration
from .terminal import Terminal

Heard = Callable[[Reached], None]


@contextmanager
def bar(terminal: Terminal, words: str, before: int, size: "Size") -> Iterator[Heard]:
    """A bar on stderr, where that is a terminal and nobody asked for quiet; to be told of progress.

    `before`: rows that earlier runs of the job did, which the rate leaves out. `size`: of the table.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=terminal.err, disable=not terminal.live, expand=True) as shown:
        task, began = shown.add_task(words, total=None, detail=""), time.monotonic()

        def heard(reached: Reached) -> None:
            described = words if reached.sweep < 2 else f"{words}, pass {reached.sweep}"
            rate = (reached.rows_done - before) / max(time.monotonic() - began, 1e-3)
            shown.update(task, description=described, total=size.of(reached), completed=reached.rows_read)
            shown.update(task, detail=details(reached, rate))

        yield heard


class Size:
    """How many rows a pass looks at: as many as the last whole one did, and else as the planner thinks.

    That thinks of too many after a backfill: the file grew by row versions that are dead.
    """

    def __init__(self) -> None:
        self._whole: int | None = None
        self._sweep, self._read = 0, 0

    def of(self, reached: Reached) -> int | None:
        """None while nothing is known."""
        if reached.sweep != self._sweep or reached.rows_read < self._read:
            self._whole = self._read or self._whole
        self._sweep, self._read = reached.sweep, reached.rows_read
        return max(self._whole or reached.rows_estimated or 0, reached.rows_read) or None


class Waits:
    """How long a run waited, and for what it waited last."""

    def __init__(self) -> None:
        self._seconds, self._what = 0.0, ""
        self._since: float | None = None

    def note(self, reached: Reached) -> None:
        """To be told of all progress."""
        now = time.monotonic()
        if self._since is not None:
            self._seconds += now - self._since
        self._since = now if reached.waiting_for else None
        self._what = reached.waiting_for or self._what

    @property
    def words(self) -> str:
        """Empty where it did not."""
        return f"waited {duration(self._seconds)} for {self._what}" if self._what else ""


def details(reached: Reached, rate: float) -> str:
    """Rows and rate; races and quarantine where there are any; what is waited for."""
    words = [f"{count(reached.rows_done)} rows", f"{rate:,.0f}/s"]
    words += [f"{count(reached.rows_raced)} races"] if reached.rows_raced else []
    words += [f"{count(reached.rows_quarantined)} quarantined"] if reached.rows_quarantined else []
    words += [f"waiting for {reached.waiting_for}"] if reached.waiting_for else []
    return " · ".join(words)
