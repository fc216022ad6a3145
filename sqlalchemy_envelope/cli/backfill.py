"""`backfill` and `verify`: work on rows, from the record of jobs."""

from contextlib import closing
from typing import Annotated, Any

import typer

from ..backfill.plan.pace import Pace
from ..backfill.rows.sources import Source, resolve
from ..backfill.subject.kind import Kind
from ..errors import ConfigurationError
from .dryrun import dry_run
from .exits import Exit
from .keys import Keys
from .loading import reachable
from .options import AsJson, Column, Debug, KeySource, Processes, Quiet, SourcePath, Url, Workers
from .target import Place, move_of
from .tasks import Task, all_tasks, task_of_job, tasks_of
from .terminal import Terminal
from .url import database_of
from .work import Work

USUAL = Pace()

Wanted = Annotated[
    str | None,
    typer.Argument(metavar="TABLE.COLUMN|all", help="A column that op.encrypt_column began, or all jobs."),
]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Rows of a batch at most; it adapts below that.")]
Target = Annotated[int, typer.Option("--target-ms", min=1, help="Milliseconds that a batch should take.")]
MaxLag = Annotated[
    float | None,
    typer.Option("--max-lag", min=0, help="Seconds a replica may lag; 0: never mind. Usual: 10."),
]

Patience = Annotated[
    float,
    typer.Option("--patience", min=0, help="Seconds of failures that pass by themselves: a KMS's, locks'."),
]


def backfill(
    wanted: Wanted = None,
    job: Annotated[int | None, typer.Option("--job", help="One recorded job, by its number.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What to do, where it doesn't follow.")] = None,
    workers: Workers = 1,
    processes: Processes = False,
    batch: Batch = USUAL.most,
    target_ms: Target = 300,
    max_lag: MaxLag = None,
    patience: Patience = USUAL.patience,
    source: SourcePath = None,
    verify: Annotated[bool, typer.Option(help="Open and compare what was encrypted.")] = True,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    replica_identity_full: Annotated[
        bool,
        typer.Option("--allow-replica-identity-full", help="Though subscribers are sent old plaintext."),
    ] = False,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """Encrypt a column's rows and verify them, or go on with it.

    Writes in short batches with commits of their own, each with its place in the record: stop it at any
    time, by Ctrl-C or SIGTERM, and run it again. Without --kind it goes on with what is begun:
    to encrypt, to decrypt, or to set plaintext to NULL.
    """
    work = Work(Terminal(quiet=quiet, as_json=as_json), database_of(url), Keys(envelope))
    work.pace = Pace(
        target=target_ms / 1000,
        least=min(USUAL.least, batch),
        most=batch,
        patience=patience,
        replica_lag=USUAL.replica_lag if max_lag is None else max_lag or None,
    )
    work.source, work.workers, work.processes = _source(source), workers, processes
    work.allow_replica_identity_full, work.debug = replica_identity_full, debug
    tasks = _tasks(work, wanted, job, kind, source)
    if not tasks:
        work.terminal.aside("nothing to do: no job is open")
    return dry_run(work, tasks) if dry else work.do(tasks, verify=verify)


def verify(
    column: Column,
    workers: Workers = 1,
    processes: Processes = False,
    source: SourcePath = None,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """Open every row and compare it with the plaintext.

    Where that is kept; else it is only opened. Changes no row. That it found nothing wrong is recorded: a
    revision that drops plaintext asks for it.
    """
    work = Work(Terminal(quiet=quiet, as_json=as_json), database_of(url), Keys(envelope), debug=debug)
    work.source, work.workers, work.processes = _source(source), workers, processes
    with closing(work.database.connect("verify")) as connection:
        move = move_of(connection, Place.parse(column))
    return work.do([Task(move, Kind.VERIFY, source=source)])


def _source(named: str | None) -> Source | None:
    reachable()  # for those that jobs name, too
    return None if named is None else resolve(named)


def _tasks(work: Work, wanted: str | None, job: int | None, kind: Kind | None, source: str | None) -> Any:
    if (wanted is None) == (job is None):
        raise ConfigurationError("backfill what? TABLE.COLUMN, all, or --job NUMBER: one of them")
    with closing(work.database.connect("backfill")) as connection:
        if job is not None:
            return [task_of_job(connection, job, source)]
        if wanted == "all" and source is not None:
            raise ConfigurationError("--source is of one column: TABLE.COLUMN, or --job NUMBER")
        if wanted == "all":
            return all_tasks(connection)
        return tasks_of(connection, wanted or "", kind, source)
