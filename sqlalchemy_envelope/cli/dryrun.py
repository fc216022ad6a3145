"""`backfill --dry-run`: what would be done, and nothing written."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..backfill.job.estimate import Estimate, estimate
from ..backfill.subject.kind import Kind
from .exits import Exit
from .figures import count, duration, rows, size
from .tasks import Task
from .work import Work

TO_DO = {
    Kind.ENCRYPT: "to encrypt",
    Kind.DECRYPT: "to decrypt",
    Kind.VERIFY: "to verify",
    Kind.NULL: "to set to NULL",
}


def dry_run(work: Work, tasks: Sequence[Task]) -> Exit:
    """Estimate each task. Rows that can't be moved make it `LEFT`; that there is work does not."""
    found = [(task, _estimated(work, task)) for task in tasks]
    if work.terminal.as_json:
        work.terminal.document([_data(task, each) for task, each in found])
    else:
        for task, each in found:
            _tell(work, task, each)
    return Exit.LEFT if any(each.bad for _, each in found) else Exit.DONE


def _estimated(work: Work, task: Task) -> Estimate:
    given: dict[str, Any] = {"job": task.job, "source": work.source, "pace": work.pace}
    return estimate(work.database, task.recorded, task.kind, work.keys, **given)


def _tell(work: Work, task: Task, found: Estimate) -> None:
    about = "" if found.exact else "about "
    table = f"{about}{count(found.pending)} of {rows(found.rows)} {TO_DO[task.kind]}"
    lines = [("rows", table)]
    if found.pending:
        lines += [("batches", f"about {count(found.batches)}"), ("time", _time(found))]
    if found.wal:
        images = f"and up to {size(found.wal_images)} of page images after each checkpoint"
        lines.append(("WAL", f"about {size(found.wal)}, {images}"))
    lines += [("can't be moved", f"{number} of the sample: {cause}") for cause, number in found.bad.items()]
    work.terminal.say(f"{task.place}: nothing was written")
    for name, words in lines:
        work.terminal.say(f"  {name:<15}{words}")


def _time(found: Estimate) -> str:
    if found.seconds is None:
        return f"not known: {found.untried or 'no row to try it with'}"
    return f"{duration(found.seconds)} with one worker at best, by {rows(found.sampled)} tried in memory"


def _data(task: Task, found: Estimate) -> dict[str, Any]:
    return {**task.names, "kind": task.kind.value, **asdict(found)}
