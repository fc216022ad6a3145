"""Does tasks one after the other, with a bar, until they are done or somebody says stop."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ..backfill.batches.checkpoint import Progress
from ..backfill.job.run import run
from ..backfill.plan.pace import Pace
from ..backfill.postgres.database import Database
from ..backfill.record import fills
from ..backfill.record.moves import recorded
from ..backfill.subject.kind import Kind
from ..errors import EnvelopeError
from .exits import Exit, worst
from .failures import told
from .keys import Keys
from .progress import Size, Waits, bar
from .reports import Ended
from .stopping import Stop, stopping
from .tasks import Task
from .terminal import Terminal
from .workers import executor


@dataclass
class Work:
    """What all tasks of a command have in common, and how they ended so far."""

    terminal: Terminal
    database: Database
    keys: Keys
    pace: Pace = field(default_factory=Pace)
    source: Any = None
    workers: int = 1
    processes: bool = False
    allow_replica_identity_full: bool = False
    debug: bool = False
    codes: list[Exit] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    sizes: defaultdict[str, Size] = field(default_factory=lambda: defaultdict(Size))

    def do(self, tasks: Sequence[Task], *, verify: bool = False) -> Exit:
        """All tasks; what fails leaves the others alone. `verify`: what was encrypted."""
        with stopping(self.terminal) as stop, executor(self.workers, processes=self.processes) as pool:
            for task in tasks:
                ended = self._one(task, stop, pool)
                if verify and ended is not None and self._is_to_be_verified(ended):
                    self._one(task.verified(), stop, pool)
        if self.terminal.as_json:
            self.terminal.document(self.ended)
        return worst(self.codes)

    def _is_to_be_verified(self, ended: Ended) -> bool:
        """What was encrypted; and what had been before, if nobody verified it since."""
        if ended.task.kind not in (Kind.ENCRYPT, Kind.INDEX) or ended.exit is not Exit.DONE:
            return False
        find = fills.recorded if ended.task.kind is Kind.INDEX else recorded
        with closing(self.database.connect("verify")) as connection:
            known = {each.id: each.verified_at for each in find(connection)}
        return ended.report.rows_done > 0 or known[ended.task.recorded.id] is None

    def _one(self, task: Task, stop: Stop, pool: Executor | None) -> Ended | None:
        """How it ended; None where it failed or was not begun."""
        if stop.event.is_set():
            return None
        try:
            ended = self._run(task, stop, pool)
        except EnvelopeError as error:
            failed = told(error, debug=self.debug)
            sys.stderr.write(f"sqlalchemy-envelope: {failed.words}\n")
            self.codes.append(failed.code)
            self.ended.append({**task.names, "kind": task.kind.value, "error": failed.words})
            return None
        self._tell(ended)
        return ended

    def _run(self, task: Task, stop: Stop, pool: Executor | None) -> Ended:
        with closing(self.database.connect("begin")) as connection:
            job = task.begun(connection, allow_replica_identity_full=self.allow_replica_identity_full)
        waits, size = Waits(), self.sizes[task.place]
        with bar(self.terminal, f"{task.place} {task.kind.value}", job.rows_done, size) as heard:

            def told_of(reached: Progress) -> None:
                waits.note(reached)
                heard(reached)

            report = run(
                self.database,
                job.id,
                self.keys,
                source=self.source,
                pace=self.pace,
                executor=pool,
                workers=self.workers,
                progress=told_of,
                stop=stop.event,
                allow_replica_identity_full=self.allow_replica_identity_full,
            )
        return Ended(task, job.id, report, stop.exit, waits.words)

    def _tell(self, ended: Ended) -> None:
        self.codes.append(ended.exit)
        self.ended.append(ended.data)
        if not self.terminal.as_json and not ended.untouched:
            self.terminal.say(ended.words)
        if ended.remedy:
            self.terminal.err.print(ended.remedy)
