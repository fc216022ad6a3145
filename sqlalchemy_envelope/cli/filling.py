"""`index-keys fill`: digests of rows that have none, or one under the key before."""

from contextlib import closing
from typing import Annotated, Any

import typer

from ..backfill.moving.indexing import add_index
from ..backfill.plan.pace import Pace
from ..backfill.postgres.database import Database
from ..backfill.record import fills
from ..backfill.subject.declared import fills_of
from ..backfill.subject.fill import Fill
from ..backfill.subject.kind import Kind
from ..errors import ConfigurationError
from ..rotation.columns import pair_of
from .exits import Exit
from .keys import Keys
from .loading import loaded
from .options import AsJson, Debug, KeySource, Processes, Quiet, Url, Workers
from .target import Place
from .tasks import Task
from .terminal import Terminal
from .url import database_of
from .work import Work

USUAL = Pace()

Index = Annotated[
    str,
    typer.Argument(metavar="TABLE.COLUMN|all", help="The column of its digests; or every index known here."),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODULE:CLASS.ATTRIBUTE",
        help="The encrypted column in the model: for an index that no migration added, to make it known.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Rows of a batch at most; it adapts below that.")]


def fill_indexes(
    index: Index,
    model: Model = None,
    workers: Workers = 1,
    processes: Processes = False,
    batch: Batch = USUAL.most,
    verify: Annotated[bool, typer.Option(help="Compare every digest afterwards.")] = True,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """Digest the rows that have no digest, or one under the key before, under the key that is written with.

    After index-keys activate, and where an index was added to rows. In batches that may be stopped and gone
    on with. Needs keys.
    """
    work = Work(Terminal(quiet=quiet, as_json=as_json), database_of(url), Keys(envelope), debug=debug)
    work.workers, work.processes = workers, processes
    work.pace = Pace(least=min(USUAL.least, batch), most=batch)
    if model is not None:
        _make_known(work.database, loaded(model, "--model"), index)
    with closing(work.database.connect("index")) as connection:
        known = [each for each in fills.recorded(connection) if index == "all" or _is(index, each.fill)]
    if not known:
        raise ConfigurationError(
            f"no blind index {index} is known here: name the column of its digests, and where no migration"
            " added it, the encrypted one in the model by --model"
        )
    return work.do([Task(each, Kind.INDEX) for each in known], verify=verify)


def _make_known(database: Database, column: Any, index: str) -> None:
    """Adds what the table lacks, a trigger at least: that of an index which was made with its table."""
    found = [each for each in fills_of(pair_of(column)) if index == "all" or _is(index, each)]
    for each in found:
        add_index(database, each)


def _is(index: str, fill: Fill) -> bool:
    return Place.parse(index).has(fill)
