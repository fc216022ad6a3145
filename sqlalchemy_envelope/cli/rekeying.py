"""`keys rewrap` and `reencrypt`: what is stored moved under the key that is written with now."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Annotated, Any

import typer

from ..backfill.moving.standing import installed
from ..backfill.plan.pace import Pace
from ..backfill.subject.kind import Kind
from ..backfill.subject.rotation import Rotation
from ..errors import ConfigurationError
from ..rotation import rewrap_keks, rotation_of
from ..rotation.columns import planned
from .exits import Exit
from .figures import count
from .keys import Keys
from .loading import loaded
from .options import AsJson, Column, Debug, KeySource, Processes, Quiet, Url, Workers
from .target import Place
from .tasks import task_of_rotation
from .terminal import Terminal
from .url import database_of
from .work import Work

USUAL = Pace()

MaybeColumn = Annotated[
    str | None, typer.Argument(metavar="TABLE.COLUMN", help="A column's data keys; or --keks.")
]
AllKeks = Annotated[
    bool, typer.Option("--keks", help="The key-encryption keys themselves: no row of data is touched.")
]
OnlyKey = Annotated[
    str | None, typer.Option("--key", metavar="ID", help="Values under this key only, by its id.")
]
OnlyTenant = Annotated[str | None, typer.Option("--only-tenant", help="Values of this tenant only.")]
TenantColumn = Annotated[
    str | None, typer.Option("--tenant-column", metavar="NAME", help="The column with each row's tenant.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODULE:CLASS.ATTRIBUTE",
        help="The model's column, where sibling, context, tenants or format are not the usual ones.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Rows of a batch at most; it adapts below that.")]


def rewrap_keys(
    column: MaybeColumn = None,
    keks: AllKeks = False,
    only_key: OnlyKey = None,
    only_tenant: OnlyTenant = None,
    tenant_column: TenantColumn = None,
    model: Model = None,
    workers: Workers = 1,
    processes: Processes = False,
    batch: Batch = USUAL.most,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """Wrap keys anew under the key that is written with now.

    --keks: every key-encryption key, under the provider's present key. TABLE.COLUMN: the data keys of its
    values; only the sibling changes, in batches that may be stopped and gone on with. Needs keys.
    """
    if (column is None) == (not keks):
        raise ConfigurationError("rewrap what? TABLE.COLUMN, or --keks: one of them")
    work = _work(url, envelope, workers, processes, batch, Terminal(quiet=quiet, as_json=as_json), debug)
    if column is None:
        return _rewrap_keks(work)
    return _rotate(work, Kind.REWRAP, _rotation(work, column, model, tenant_column, only_key, only_tenant))


def reencrypt_values(
    column: Column,
    only_key: OnlyKey = None,
    only_tenant: OnlyTenant = None,
    tenant_column: TenantColumn = None,
    model: Model = None,
    workers: Workers = 1,
    processes: Processes = False,
    batch: Batch = USUAL.most,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> Exit:
    """Seal values anew, each under a fresh data key.

    For an incident, and for values of versions 1 and 2, which become version 3. Those that are under the key
    that is written with now are left: `keys rotate` first. Both cells change. Needs keys.
    """
    work = _work(url, envelope, workers, processes, batch, Terminal(quiet=quiet, as_json=as_json), debug)
    rotation = _rotation(work, column, model, tenant_column, only_key, only_tenant)
    return _rotate(work, Kind.REENCRYPT, rotation)


def _work(
    url: str | None,
    envelope: str | None,
    workers: int,
    processes: bool,
    batch: int,
    terminal: Terminal,
    debug: bool,
) -> Work:
    work = Work(terminal, database_of(url), Keys(envelope), debug=debug)
    work.workers, work.processes = workers, processes
    work.pace = Pace(least=min(USUAL.least, batch), most=batch)
    return work


def _rotation(
    work: Work,
    column: str,
    model: str | None,
    tenant: str | None,
    only_key: str | None,
    only_tenant: str | None,
) -> Rotation:
    """What is meant: as the model says it, or as its move was recorded, or with the usual names."""
    place = Place.parse(column)
    schema = {"schema": place.schema} if place.schema else {}
    if model is None:
        given = {"tenant": tenant} if tenant else {}
        rotation = planned(work.database, place.table, place.column, **schema, **given)
    else:
        rotation = rotation_of(loaded(model, "--model"), **schema)
        if (rotation.table, rotation.column) != (place.table, place.column):
            raise ConfigurationError(f"--model {model} is {rotation.place}, not {place}")
        rotation = replace(rotation, tenant=tenant or rotation.tenant)
    chosen = only_key and only_key.replace("-", "").lower()
    return replace(rotation, only_key=chosen, only_tenant=only_tenant)


def _rotate(work: Work, kind: Kind, rotation: Rotation) -> Exit:
    installed(work.database)
    with closing(work.database.connect("rotation")) as connection:
        task = task_of_rotation(connection, rotation, kind)
    return work.do([task])


def _rewrap_keks(work: Work) -> Exit:
    done = rewrap_keks(work.database, work.keys().keyring)
    failed = [{"key": str(key), "failure": error.failure} for key, error in done.failed.items()]
    if work.terminal.as_json:
        work.terminal.document({"keys": done.keys, "calls": done.calls, "failed": failed})
    else:
        for line in _lines(done.keys, done.calls, failed):
            work.terminal.say(line)
    return Exit.LEFT if failed else Exit.DONE


def _lines(keys: int, calls: int, failed: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{count(keys)} keys wrapped anew, by {count(calls)} calls to providers"
    for each in failed:
        yield f"key {each['key']} doesn't open: {each['failure']}"
