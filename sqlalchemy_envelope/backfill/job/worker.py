"""One range worked on to its end, whatever passes by itself meanwhile."""

from contextlib import closing
from dataclasses import dataclass

from ..batches.checkpoint import Counts
from ..ddl.fill_ddl import SAME_VALUES
from ..plan.pace import Patience, Size
from ..plan.plan import Plan
from ..postgres.faults import Fault, sort, told
from ..postgres.session import open_session, settle
from ..record.ranges import find
from ..rows.setting import Step
from ..subject.kind import Kind
from .bench import Bench, Halted, Told, wait

__tracebackhide__ = True  # pytest prints no locals of these frames: they lead to plaintext


@dataclass(frozen=True)
class Outcome:
    """What came of a range. `done`: to its end; else it was stopped.

    `steady`: nothing was lost on the way, and so no count either.
    """

    counts: Counts
    done: bool
    steady: bool = True


def work(plan: Plan, number: int, halted: Halted = lambda: False, heard: Told = lambda _: None) -> Outcome:
    """Works on a range until it is done, the job is no longer `running`, or `halted`.

    What passes by itself is waited for; every error that does not is one of ours, and pickles.
    """
    failed: Exception
    try:
        return _Worker(plan, number, halted, heard).work()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told without its message
        failed = error
    raise told(failed, plan.place, plan.job.id)  # out here: its context could print a row


class _Worker:
    def __init__(self, plan: Plan, number: int, halted: Halted, heard: Told) -> None:
        self._plan, self._number = plan, number
        self._halted, self._heard = halted, heard
        self._counts, self._steady = Counts(), True
        self._patience, self._size = Patience(plan.pace.patience), Size(plan.pace)

    def work(self) -> Outcome:
        step = self._plan.step()
        while True:
            try:
                return self._outcome(self._try(step))
            except Exception as error:
                delay = self._patience.delay() if sort(error) is Fault.RETRY else None
                if delay is None:
                    raise
            self._steady = False
            self._size.halve()
            if wait(delay, self._halted):
                return self._outcome(False)

    def _try(self, step: Step) -> bool:
        """From where the record says that it is: what was committed unheard of is not done twice."""
        plan = self._plan
        purpose = f"job {plan.job.id}"
        with closing(open_session(plan.database, purpose, plan.pace.lock_timeout)) as writing:
            if plan.job.kind is Kind.REENCRYPT:
                settle(writing, {SAME_VALUES: "on"})
            range_ = find(writing, plan.job.id, self._number)
            if range_ is None:
                return True
            with Bench(plan, range_, step, self._size, self._halted, self._heard, writing) as bench:
                return self._run(bench)

    def _run(self, bench: Bench) -> bool:
        try:
            return bench.run()
        finally:
            self._counts += bench.counts
            if bench.counts.read:
                self._patience.renew()

    def _outcome(self, done: bool) -> Outcome:
        return Outcome(self._counts, done, self._steady)
