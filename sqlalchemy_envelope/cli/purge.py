"""`purge`: plaintext that no query shows any more leaves the database's files."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from ..backfill.purge.purge import purge as steps_of
from ..backfill.purge.step import Outcome, PurgeStep
from .consent import agreed
from .exits import Exit
from .options import AsJson, Column, Debug, Url
from .target import Place, move_of
from .terminal import Terminal
from .url import database_of

STYLES = {Outcome.DONE: "green", Outcome.NEEDS: "yellow", Outcome.CANNOT: "dim"}

Rewrite = Annotated[
    bool,
    typer.Option(
        "--rewrite/--no-rewrite",
        help="VACUUM FULL, which nobody reads or writes the table beside; then the WAL.",
    ),
]
Patience = Annotated[float, typer.Option("--patience", min=0, help="Seconds to wait for locks.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask; needed where there is no terminal.")]


def purge(
    column: Column,
    rewrite: Rewrite = True,
    patience: Patience = 60.0,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Get old plaintext out of files, statistics and WAL.

    For a column whose plaintext is NULL everywhere, or dropped. Says of each place what was done, what is
    needed (ends with 1), and what nobody can do from here: backups, archives, replicas. Needs no keys.
    """
    terminal, database = Terminal(as_json=as_json), database_of(url)
    with closing(database.connect("purge")) as connection:
        move = move_of(connection, Place.parse(column)).move
    locked = f"nobody can read or write the table of {move.place} while it is rewritten"
    if rewrite and not yes and not agreed(locked, "give --yes, or --no-rewrite"):
        terminal.aside("nothing was done")
        return Exit.STOPPED
    every = steps_of(database, move, rewriting=rewrite, patience=patience)
    steps = [_told(terminal, step) for step in every]
    if as_json:
        terminal.document([asdict(step) for step in steps])
    return _code(steps)


def _told(terminal: Terminal, step: PurgeStep) -> PurgeStep:
    if not terminal.as_json:
        terminal.say(f"{step.outcome:<7} {step.place}: {step.words}", STYLES[step.outcome])
    return step


def _code(steps: Iterable[PurgeStep]) -> Exit:
    return Exit.LEFT if any(step.outcome is Outcome.NEEDS for step in steps) else Exit.DONE
