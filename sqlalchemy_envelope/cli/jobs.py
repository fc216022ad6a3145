"""`jobs`, `pause` and `resume`: the record of what is to be done and what was."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..backfill.record.jobs import Job, State, jobs, pause, quarantined, resume
from ..backfill.record.jobs import job as job_of
from ..backfill.record.subjects import Subjects
from ..errors import ConfigurationError
from .exits import Exit
from .figures import count, moment
from .options import AsJson, Debug, JobOrColumn, Url
from .target import Place, job_number, move_of
from .terminal import Terminal
from .url import database_of

HEADINGS = ("job", "column", "kind", "state", "pass", "done", "races", "quarantined", "begun", "ended")
NUMBERS = "job pass done races quarantined"

Wanted = Annotated[
    str | None,
    typer.Argument(metavar="JOB|TABLE.COLUMN", help="One job, with what is wrong; or those of a column."),
]


def list_jobs(wanted: Wanted = None, url: Url = None, as_json: AsJson = False, debug: Debug = False) -> Exit:
    """Every recorded job, the newest last.

    Those that are done included. Needs no keys.
    """
    terminal = Terminal(as_json=as_json)
    with closing(database_of(url).connect("jobs")) as connection:
        subjects = Subjects(connection)
        found = _found(connection, subjects, wanted)
        causes = {each.id: Counter(row.cause for row in quarantined(connection, each.id)) for each in found}
    if as_json:
        terminal.document([_as_data(each, subjects) | {"causes": causes[each.id]} for each in found])
    elif not found:
        terminal.aside("no jobs")
    else:
        terminal.table(HEADINGS, [_row(each, subjects) for each in found], NUMBERS)
        if wanted is not None:
            _say_errors(terminal, found, causes)
    return Exit.DONE


def pause_job(job: JobOrColumn, url: Url = None, as_json: AsJson = False, debug: Debug = False) -> Exit:
    """Stop a job until it is resumed.

    After the batch that it is at, wherever it runs. Needs no keys.
    """
    return _change(job, url, State.PAUSED, as_json)


def resume_job(job: JobOrColumn, url: Url = None, as_json: AsJson = False, debug: Debug = False) -> Exit:
    """Let a paused job be run again.

    It does not run it: `backfill` does, from where it was. Needs no keys.
    """
    return _change(job, url, State.READY, as_json)


CHANGES: dict[State, tuple[Callable[[Any, int], Job], tuple[State, ...]]] = {
    State.PAUSED: (pause, (State.READY, State.RUNNING, State.PAUSED)),
    State.READY: (resume, (State.PAUSED, State.READY)),
}
"""What makes a job so, and of a column's jobs those that may become so or are."""


def _change(wanted: str, url: str | None, wish: State, as_json: bool) -> Exit:
    terminal = Terminal(as_json=as_json)
    change, before = CHANGES[wish]
    with closing(database_of(url).connect("jobs")) as connection:
        changed = [change(connection, number) for number in _numbers(connection, wanted, before)]
        subjects = Subjects(connection)
    if as_json:
        terminal.document([_as_data(each, subjects) for each in changed])
    else:
        for each in changed:
            terminal.say(f"job {each.id} is {each.state}")
    return Exit.DONE


def _numbers(connection: Any, wanted: str, states: tuple[State, ...]) -> list[int]:
    number = job_number(wanted)
    if number is not None:
        return [number]
    place, subjects = Place.parse(wanted), Subjects(connection)
    every = [each for each in jobs(connection) if _is_wanted(each, subjects, wanted)]
    if not any(each.rotation or each.fill for each in every):
        place_of_move = move_of(connection, place)  # says what is wrong with the name
        every = [each for each in every if each.move == place_of_move.id]
    found = [each.id for each in every if each.state in states]
    if not found:
        raise ConfigurationError(f"{place} has no job that is {' or '.join(states)}")
    return found


def _found(connection: Any, subjects: Subjects, wanted: str | None) -> list[Job]:
    number = None if wanted is None else job_number(wanted)
    if number is not None:
        return [job_of(connection, number)]
    found = [each for each in jobs(connection) if _is_wanted(each, subjects, wanted)]
    if wanted is not None and not found:
        move_of(connection, Place.parse(wanted))  # says what is wrong with the name
    return found


def _is_wanted(job: Job, subjects: Subjects, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return Place.parse(wanted).has(subjects.of(job).subject)


def _row(job: Job, subjects: Subjects) -> list[str]:
    place = str(Place.of(subjects.of(job).subject))
    counts = [count(each) for each in (job.rows_done, job.rows_raced, job.rows_quarantined)]
    times = [moment(job.started_at), moment(job.finished_at)]
    return [str(job.id), place, job.kind, job.state, str(job.sweep), *counts, *times]


def _as_data(job: Job, subjects: Subjects) -> dict[str, Any]:
    at = subjects.of(job).subject
    return asdict(job) | {"schema": at.schema, "table": at.table, "column": at.column}


def _say_errors(terminal: Terminal, found: list[Job], causes: dict[int, Counter[str]]) -> None:
    for each in found:
        if each.error:
            terminal.say(f"job {each.id}: {each.error}")
        for cause, number in causes[each.id].most_common():
            words = f"in quarantine: {count(number)} {cause}; envelope.job_row has their keys"
            terminal.say(f"job {each.id}, {words}")
