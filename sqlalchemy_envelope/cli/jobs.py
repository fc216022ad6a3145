"""`jobs`, `pause` and `resume`: the record of what is to be done and what was."""

from collections import Counter
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..backfill.jobs import Job, State, jobs, pause, quarantined, resume
from ..backfill.moves import recorded
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
        places = {each.id: each.move for each in recorded(connection)}
        found = [each for each in jobs(connection) if _is_wanted(each, places, wanted)]
        causes = Counter(row.cause for each in found for row in quarantined(connection, each.id))
    if as_json:
        terminal.document([_as_data(each, places) for each in found])
    elif not found:
        terminal.aside("no jobs")
    else:
        terminal.table(HEADINGS, [_row(each, places) for each in found], NUMBERS)
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
    move = move_of(connection, Place.parse(wanted))
    found = [each.id for each in jobs(connection) if each.move == move.id and each.state in states]
    if not found:
        raise ConfigurationError(f"{move.move.place} has no job that is {' or '.join(states)}")
    return found


def _is_wanted(job: Job, places: dict[int, Any], wanted: str | None) -> bool:
    if wanted is None:
        return True
    number, move = job_number(wanted), places[job.move]
    if number is not None:
        return job.id == number
    return Place.parse(wanted).has(move.schema, move.table, move.column)


def _row(job: Job, places: dict[int, Any]) -> list[str]:
    move = places[job.move]
    counts = [count(each) for each in (job.rows_done, job.rows_raced, job.rows_quarantined)]
    times = [moment(job.started_at), moment(job.finished_at)]
    return [str(job.id), move.place, job.kind, job.state, str(job.sweep), *counts, *times]


def _as_data(job: Job, places: dict[int, Any]) -> dict[str, Any]:
    move = places[job.move]
    return asdict(job) | {"schema": move.schema, "table": move.table, "column": move.column}


def _say_errors(terminal: Terminal, found: list[Job], causes: Counter[str]) -> None:
    for each in found:
        if each.error:
            terminal.say(f"job {each.id}: {each.error}")
    for cause, number in causes.most_common() if found else []:
        terminal.say(f"in quarantine: {count(number)} {cause}; envelope.job_row has their keys")
