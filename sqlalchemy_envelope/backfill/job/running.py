"""A run of a job: passes over the table until one finds nothing left, and the report."""

import time
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass

from ..batches.checkpoint import Counts
from ..plan.plan import Plan
from ..plan.prepare import Prepare
from ..postgres.faults import told
from ..record import ranges
from ..record.jobs import State
from ..subject.kind import Kind
from .bench import Halted, Told
from .control import Control
from .passes import elsewhere, here
from .remaining import nothing_left
from .worker import Outcome

__tracebackhide__ = True  # pytest prints no locals of these frames: they lead to plaintext


@dataclass(frozen=True)
class Report:
    """How a run went. The counts are this run's, but for `rows_quarantined`: all that are now.

    `state`: `done`; `paused` or `stopped`, which go on when run again; or `failed`: the job came to its end,
    and `error` says what is not as it should be. What ends a job before its end is raised.
    """

    state: str
    sweeps: int
    rows_read: int
    rows_done: int
    rows_raced: int
    rows_quarantined: int
    seconds: float
    error: str | None = None


class Running:
    """One run, whose job `control` holds."""

    def __init__(self, control: Control, prepare: Prepare, workers: int, heard: Told, halted: Halted) -> None:
        self._control, self._prepare, self._workers = control, prepare, workers
        self._heard, self._halted = heard, halted
        self._plan: Plan = control.ask(prepare)
        self._job, self._pace = prepare.job, prepare.pace
        self._counts, self._sweeps, self._began = Counts(), 0, time.monotonic()

    def run(self, executor: Executor | None) -> Report:
        """To the end, however it comes; the job's record then says it too."""
        self._control.begin(self._plan.relation.rows)
        try:
            return self._end(*self._passes(executor))
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is told without its message
            failed = told(raised, self._plan.place, self._job.id)
        except BaseException:
            self._control.end(State.READY)
            raise
        self._control.end(State.FAILED, str(failed))
        raise failed  # out here: its context could print a row

    def _passes(self, executor: Executor | None) -> tuple[State, str | None]:
        whole = not self._resumed()
        for _ in range(self._pace.sweeps):
            if whole:
                self._begin_pass()
            outcomes = self._pass(executor)
            found = sum((each.counts for each in outcomes), Counts())
            self._counts += found
            if self._halted() or not all(each.done for each in outcomes):
                return State.READY, None
            if self._job.kind is Kind.VERIFY:
                return self._judged()
            steady = all(each.steady for each in outcomes)
            if (whole and steady and not found.found) or self._nothing_left():
                return State.DONE, None
            whole = True
        return State.FAILED, self._unending(found)

    def _resumed(self) -> bool:
        """Whether there is something left of a pass that another run began."""
        plan, job = self._plan, self._job.id
        self._control.ask(
            lambda connection: ranges.redistribute(connection, job, plan.relation, self._workers)
        )
        return bool(self._numbers())

    def _begin_pass(self) -> None:
        """Over the table as it is now: it may have been given partitions, or lost its trigger."""
        self._plan = plan = self._control.ask(self._prepare)
        job = self._job.id
        if self._job.kind is Kind.VERIFY:
            self._control.forget_rows()
        self._control.ask(lambda connection: ranges.begin_pass(connection, job, plan.relation, self._workers))

    def _nothing_left(self) -> bool:
        """In the table as it is now, which is still to be moved as it was."""
        self._plan = plan = self._control.ask(self._prepare)
        return self._control.ask(lambda connection: nothing_left(connection, plan))

    def _pass(self, executor: Executor | None) -> list[Outcome]:
        self._sweeps += 1
        outcomes = []
        with closing(self._each(executor)) as each:
            for outcome in each:
                outcomes.append(outcome)
                if not outcome.done:
                    break
        return outcomes

    def _each(self, executor: Executor | None) -> Generator[Outcome]:
        numbers = self._numbers()
        if executor is None:
            return here(self._plan, numbers, self._halted, self._heard)
        return elsewhere(executor, self._plan, numbers, self._workers, self._look, self._stop)

    def _numbers(self) -> list[int]:
        found = self._control.ask(lambda connection: ranges.undone(connection, self._job.id))
        return [each.number for each in found]

    def _look(self) -> None:
        self._heard(self._control.progress())
        if self._halted():
            self._stop()

    def _stop(self) -> None:
        """Workers elsewhere see at their next batch that the job is not `running`."""
        self._control.end(State.READY)

    def _judged(self) -> tuple[State, str | None]:
        """Of a job that looks at each row once: whether all were as they should be."""
        wrong = self._control.progress().rows_quarantined
        self._control.mark_verified(self._job, wrong == 0)
        if not wrong:
            return State.DONE, None
        words = f"{self._plan.place}: {wrong:,} rows are not what they should be"
        return State.FAILED, f"{words}; the causes: sqlalchemy-envelope jobs {self._job.id}"

    def _unending(self, found: Counts) -> str:
        return (
            f"{self._plan.place}: the last of {self._sweeps} passes still found {found.found:,} rows; a"
            f" writer that {_CULPRITS[self._job.kind]} is alive, or rows are always locked; see to it and run"
            f" job {self._job.id} again"
        )

    def _end(self, state: State, error: str | None) -> Report:
        self._control.end(state, error)
        now = self._control.progress()
        self._heard(now)
        return Report(
            "stopped" if now.state is State.READY else now.state.value,
            self._sweeps,
            self._counts.read,
            self._counts.done,
            self._counts.raced,
            now.rows_quarantined,
            time.monotonic() - self._began,
            error,
        )


_CULPRITS = {
    Kind.ENCRYPT: "knows only the plaintext",
    Kind.DECRYPT: "knows only the pair",
    Kind.NULL: "knows only the pair",
    Kind.REWRAP: "wraps under another key",
    Kind.REENCRYPT: "wraps under another key",
    Kind.INDEX: "does not know the index, or digests under another key",
}
"""Who makes rows pending as fast as a job works on them."""
