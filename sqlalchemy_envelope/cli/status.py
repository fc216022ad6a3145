"""`status`: how far each encrypted column is."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..backfill.record.jobs import Job, State, jobs
from ..backfill.record.subjects import Subjects
from ..backfill.status.status import ColumnStatus, columns
from ..errors import ConfigurationError
from .exits import Exit
from .figures import count
from .options import AsJson, Debug, Url
from .target import Place
from .terminal import Terminal
from .url import database_of

HEADINGS = ("column", "rows", "plain", "pending", "encrypted", "NULL", "formats", "state")
NUMBERS = "rows plain pending encrypted NULL"

Wanted = Annotated[str | None, typer.Argument(metavar="TABLE.COLUMN", help="One column; else all.")]
Exact = Annotated[
    bool, typer.Option("--exact/--estimate", help="Count every row, or a sample of large tables.")
]
OPEN = (State.READY, State.RUNNING, State.PAUSED, State.FAILED)
Check = Annotated[bool, typer.Option("--check", help="End with 1 while rows are pending.")]


def status(
    wanted: Wanted = None,
    exact: Exact = True,
    check: Check = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """How far each encrypted column is, and which jobs are open.

    Rows in plain text, pending and encrypted, by format and by key. By SQL alone: needs no keys and reads
    no value.
    """
    terminal = Terminal(as_json=as_json)
    with closing(database_of(url).connect("status")) as connection:
        found = _wanted(columns(connection, exact=exact), wanted)
        subjects = Subjects(connection)
        open_ = [each for each in jobs(connection) if each.state in OPEN]
    names = {(each.schema, each.table, each.column) for each in found}
    under_way = [each for each in open_ if _name(subjects, each) in names]
    if as_json:
        data = [asdict(each) | {"jobs": _data(each, under_way, subjects)} for each in found]
        terminal.document(data)
    elif not found:
        terminal.aside("no encrypted column is here")
    else:
        terminal.table(HEADINGS, [_row(each) for each in found], NUMBERS)
        _say_keys(terminal, found)
        _say_indexes(terminal, found)
        _say_jobs(terminal, under_way, subjects)
    left = any(each.pending or any(each.indexes.values()) for each in found)
    return Exit.LEFT if check and left else Exit.DONE


def _wanted(found: list[ColumnStatus], wanted: str | None) -> list[ColumnStatus]:
    if wanted is None:
        return found
    place = Place.parse(wanted)
    chosen = [each for each in found if place.has(each)]
    if not chosen:
        raise ConfigurationError(f"{place} is no encrypted column here, and no move of it is recorded")
    return chosen


def _name(subjects: Subjects, job: Job) -> tuple[str, str, str]:
    subject = subjects.of(job).subject
    return subject.schema, subject.table, subject.column


def _row(each: ColumnStatus) -> list[str]:
    about = "" if each.exact else "~"
    numbers = (each.rows, each.plain, each.pending, each.encrypted, each.null)
    counts = ["?" if number is None else f"{about}{count(number)}" for number in numbers]
    formats = ", ".join(f"v{version}: {count(number)}" for version, number in sorted(each.versions.items()))
    return [str(Place.of(each)), *counts, formats, _state(each)]


def _state(each: ColumnStatus) -> str:
    if each.rows is None:
        return "not readable by this role"
    words = [f"{each.authority} is the truth"] if each.authority else []
    words += ["verified"] if each.verified_at else []
    words += [] if each.guarded else ["no CHECK"]
    return ", ".join(words)


def _say_keys(terminal: Terminal, found: list[ColumnStatus]) -> None:
    rows = [
        (str(Place.of(each)), key, count(number))
        for each in found
        for key, number in sorted(each.keys.items(), key=lambda pair: -pair[1])
    ]
    if rows:
        terminal.say("")
        terminal.table(("column", "key id", "values"), rows, "values")


def _say_indexes(terminal: Terminal, found: list[ColumnStatus]) -> None:
    rows = [
        (str(Place.of(each)), name, "?" if number is None else count(number))
        for each in found
        for name, number in each.indexes.items()
    ]
    if rows:
        terminal.say("")
        terminal.table(("column", "index", "undigested"), rows, "undigested")


def _say_jobs(terminal: Terminal, under_way: list[Job], subjects: Subjects) -> None:
    if not under_way:
        return
    terminal.say("")
    rows = [
        (
            str(each.id),
            str(Place.of(subjects.of(each).subject)),
            each.kind,
            each.state,
            _share(each),
            each.owner or "",
        )
        for each in under_way
    ]
    terminal.table(("job", "column", "kind", "state", "looked at", "run by"), rows, "job")


def _share(job: Job) -> str:
    if not job.rows_estimated:
        return count(job.rows_read)
    share = min(1.0, job.rows_read / job.rows_estimated)
    return f"{share:.0%} of {count(job.rows_estimated)} rows, pass {job.sweep}"


def _data(each: ColumnStatus, under_way: list[Job], subjects: Subjects) -> list[dict[str, Any]]:
    mine = (each.schema, each.table, each.column)
    return [asdict(job) for job in under_way if _name(subjects, job) == mine]
