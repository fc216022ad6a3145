"""`jobs`, `pause` and `resume`: the record of what is to be done and what was."""

from collections import Counter
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..backfill.jobs import Job, State, jobs, pause, quarantined, resume
from ..backfill.subjects import Subjects
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
        found = [each for each in jobs(connection) if _is_wanted(each, subjects, wanted)]
        causes = Counter(row.cause for each in found for row in quarantined(connection, each.id))
    if as_json:
        terminal.document([_as_data(each, subjects) for each in found])
    elif not found:
        terminal.aside("no jobs")
    else:
        terminal.table(HEADINGS, [_row(each, subjects) for each in found], NUMBERS)
        _say_errors(terminal, found if wanted else [], causes)
    return Exit.DONE


def pause_job(job: JobOrColumn, url: Url = None, debug: Debug = False) -> Exit:
    """Stop a job until it is resumed.

    After the batch that it is at, wherever it runs. Needs no keys.
    """
    return _change(job, url, pause)


def resume_job(job: JobOrColumn, url: Url = None, debug: Debug = False) -> Exit:
    """Let a paused job be run again.

    It does not run it: `backfill` does, from where it was. Needs no keys.
    """
    return _change(job, url, resume)


def _change(wanted: str, url: str | None, become: Any) -> Exit:
    terminal = Terminal()
    before = (State.READY, State.RUNNING) if become is pause else (State.PAUSED,)
    with closing(database_of(url).connect("jobs")) as connection:
        for number in _numbers(connection, wanted, before):
            terminal.say(f"job {number} is {become(connection, number).state}")
    return Exit.DONE


def _numbers(connection: Any, wanted: str, states: tuple[State, ...]) -> list[int]:
    number = job_number(wanted)
    if number is not None:
        return [number]
    place, subjects = Place.parse(wanted), Subjects(connection)
    every = [each for each in jobs(connection) if _is_wanted(each, subjects, wanted)]
    if not any(each.rotation for each in every):
        place_of_move = move_of(connection, place)  # says what is wrong with the name
        every = [each for each in every if each.move == place_of_move.id]
    found = [each.id for each in every if each.state in states]
    if not found:
        raise ConfigurationError(f"{place} has no job that is {' or '.join(states)}")
    return found


def _is_wanted(job: Job, subjects: Subjects, wanted: str | None) -> bool:
    if wanted is None:
        return True
    number, at = job_number(wanted), subjects.of(job).subject
    if number is not None:
        return job.id == number
    return Place.parse(wanted).has(at.schema, at.table, at.column)


def _row(job: Job, subjects: Subjects) -> list[str]:
    place = subjects.of(job).subject.place
    counts = [count(each) for each in (job.rows_done, job.rows_raced, job.rows_quarantined)]
    times = [moment(job.started_at), moment(job.finished_at)]
    return [str(job.id), place, job.kind, job.state, str(job.sweep), *counts, *times]


def _as_data(job: Job, subjects: Subjects) -> dict[str, Any]:
    at = subjects.of(job).subject
    return asdict(job) | {"schema": at.schema, "table": at.table, "column": at.column}


def _say_errors(terminal: Terminal, found: list[Job], causes: Counter[str]) -> None:
    for each in found:
        if each.error:
            terminal.say(f"job {each.id}: {each.error}")
    for cause, number in causes.most_common() if found else []:
        terminal.say(f"in quarantine: {count(number)} {cause}; envelope.job_row has their keys")
