"""`step`: what the operations of a migration do, for databases that no migration leads."""

from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..backfill.job.performing import HaltedError
from ..backfill.moving import whole
from ..backfill.moving.standing import Standing, look_for
from ..backfill.postgres.database import Database
from ..backfill.subject.move import Move
from ..backfill.subject.valuetype import ValueType
from ..errors import ConfigurationError
from .consent import agreed
from .exits import Exit
from .keys import Keys
from .loading import reachable
from .options import AsJson, Column, Debug, KeySource, Processes, Quiet, SourcePath, Url, Workers
from .progress import Size, bar
from .stopping import stopping
from .target import Place, find_move, move_of
from .terminal import Terminal
from .url import database_of
from .workers import executor


class Step(StrEnum):
    """By the names that the functions have, and nearly the operations."""

    BEGIN = "begin"
    SWAP = "swap"
    NULL_PLAINTEXT = "null-plaintext"
    DROP_PLAINTEXT = "drop-plaintext"
    RESTORE_PLAINTEXT = "restore-plaintext"
    UNSWAP = "unswap"
    DROP_PAIR = "drop-pair"


WITH_KEYS: dict[Step, Callable[..., None]] = {
    Step.SWAP: whole.swap,
    Step.RESTORE_PLAINTEXT: whole.restore_plaintext,
    Step.UNSWAP: whole.unswap,
}
WITHOUT: dict[Step, Callable[..., None]] = {
    Step.NULL_PLAINTEXT: whole.null_plaintext,
    Step.DROP_PLAINTEXT: whole.drop_plaintext,
}
"""Keys; both go over rows."""

NOTICED = {
    Step.SWAP: "{}: writers that know only the plaintext are refused from here on",
    Step.NULL_PLAINTEXT: "{}: readers that know only the plaintext find NULL",
    Step.DROP_PLAINTEXT: "{}: the plaintext column goes, and comes back only by the keys",
    Step.UNSWAP: "{}: writers that know only the pair are refused from here on",
    Step.DROP_PAIR: "{}: the pair goes",
}
"""Steps that somebody else sees, and so are asked for."""

Which = Annotated[
    Step,
    typer.Argument(
        metavar="STEP",
        help=f"begin adds pair, trigger and a job; swap makes the pair the truth. One of: {', '.join(Step)}.",
    ),
]
Into = Annotated[
    str | None,
    typer.Option("--into", help="To begin: the pair's own name for good; the plaintext keeps its."),
]
Dek = Annotated[str | None, typer.Option("--dek", help="To begin: the sibling's name, as in the model.")]
Shared = Annotated[
    bool, typer.Option("--shared", help="To begin: other columns have the sibling too, as in the model.")
]
Bound = Annotated[
    str | None, typer.Option("--context", metavar="TABLE.COLUMN", help="To begin: as in the model.")
]
Type = Annotated[ValueType, typer.Option("--type", help="To begin: what the values are.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask; needed where there is no terminal.")]


def step(
    which: Which,
    column: Column,
    into: Into = None,
    dek: Dek = None,
    shared: Shared = False,
    context: Bound = None,
    type_: Type = ValueType.TEXT,
    source: SourcePath = None,
    workers: Workers = 1,
    processes: Processes = False,
    yes: Yes = False,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """One step of a move, where no migration does it.

    Each finds out where the move stands, does what is left and nothing else; one that died is run again.
    There: begin, the command backfill, swap, null-plaintext, drop-plaintext, the command purge. Back:
    restore-plaintext, unswap, drop-pair. A revision that comes to the same step later finds it done.
    """
    terminal, database, place = Terminal(quiet=quiet, as_json=as_json), database_of(url), Place.parse(column)
    if which is Step.BEGIN:
        planned = {"into": into, "dek": dek, "shared": shared, "context": context, "type_": type_}
        move = _begun(database, place, planned, source)
        return _tell(terminal, which, look_for(database, move))
    with closing(database.connect("step")) as connection:
        move = move_of(connection, place).move
    if which in NOTICED and not yes and not agreed(NOTICED[which].format(place), "give --yes"):
        terminal.aside("nothing was done")
        return Exit.STOPPED
    reachable()
    with stopping(terminal) as stop, executor(workers, processes=processes) as pool:
        running: dict[str, Any] = {"workers": workers, "executor": pool, "stop": stop.event}
        try:
            with bar(terminal, f"{place} {which}", 0, Size()) as heard:
                _take(which, database, move, Keys(envelope), progress=heard, **running)
        except HaltedError as error:
            terminal.err.print(str(error))
            return stop.exit
    return _tell(terminal, which, look_for(database, move))


def _begun(database: Database, place: Place, planned: dict[str, Any], source: str | None) -> Move:
    with closing(database.connect("step")) as connection:
        known = find_move(connection, place)
    schema = known.move.schema if known is not None else place.schema or "public"
    move = Move.plan(place.table, place.column, schema=schema, **planned)
    whole.begin(database, move, source=source)
    return move


def _take(which: Step, database: Database, move: Move, keys: Keys, **running: Any) -> None:
    if which in WITH_KEYS:
        WITH_KEYS[which](database, move, keys, **running)
    elif which in WITHOUT:
        WITHOUT[which](database, move, **running)
    else:
        whole.drop_pair(database, move)


def _tell(terminal: Terminal, which: Step, standing: Standing | None) -> Exit:
    if standing is None:
        raise ConfigurationError("the record of the move is gone; somebody else ended it")
    move = standing.move
    pair = [move.content, move.dek] if standing.has_pair else []
    plaintext = move.plaintext if standing.has_plaintext else None
    truth = move.authority.value
    if terminal.as_json:
        names = {"schema": move.schema, "table": move.table, "column": move.column}
        terminal.document({**names, "step": which, "authority": truth, "pair": pair, "plaintext": plaintext})
        return Exit.DONE
    where = f"plaintext in {plaintext}" if plaintext else "no plaintext column"
    terminal.say(f"{Place.of(move)}: {truth} is the truth; pair in {', '.join(pair) or 'none'}, {where}")
    return Exit.DONE
