"""`doctor`: what is in the way of a move, before it and after."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..backfill.doctor.doctor import examine
from ..backfill.doctor.finding import Finding, Severity
from ..backfill.subject.move import Move
from .exits import Exit
from .options import AsJson, Column, Debug, Url
from .target import Place, find_move
from .terminal import Terminal
from .url import database_of

STYLES = {Severity.OK: "green", Severity.NOTE: "", Severity.WARNING: "yellow", Severity.REFUSAL: "bold red"}

Into = Annotated[
    str | None,
    typer.Option("--into", help="The pair's own name for good, as in op.encrypt_column(into=...)."),
]
Strict = Annotated[bool, typer.Option("--strict", help="A warning ends with 1 too.")]


def doctor(
    column: Column,
    into: Into = None,
    strict: Strict = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """What is in the way of a move, before it or after.

    And what to do about it. Reads catalogs and counts rows; needs no keys. Ends with 1 if a move is refused.
    """
    terminal = Terminal(as_json=as_json)
    with closing(database_of(url).connect("doctor")) as connection:
        findings = examine(connection, _move(connection, Place.parse(column), into))
    if as_json:
        terminal.document([asdict(each) for each in findings])
    else:
        for each in findings:
            _tell(terminal, each)
    bad = (Severity.REFUSAL, Severity.WARNING) if strict else (Severity.REFUSAL,)
    return Exit.LEFT if any(each.severity in bad for each in findings) else Exit.DONE


def _move(connection: Any, place: Place, into: str | None) -> Move:
    known = find_move(connection, place)
    if known is not None:
        return known.move
    return Move.plan(place.table, place.column, schema=place.schema or "public", into=into)


def _tell(terminal: Terminal, each: Finding) -> None:
    terminal.say(f"{each.severity:<8} {each.words}", STYLES[each.severity])
    if each.remedy:
        terminal.say(f"{'':<8} {each.remedy}")
