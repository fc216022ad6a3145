"""The demo: `python -m demo [--url postgresql+psycopg://...] [--quick]`."""

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import psycopg
import sqlalchemy
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from .chinook import Chinook
from .kms import running_kms
from .scenes import ORDER
from .server import UnfitServerError, embedded_postgresql, scratch_schema
from .stage import Stage
from .world import World


def main() -> int:
    """0: every promise held. 1: one did not. 2: no such server."""
    options = _options()
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _leave)
    try:
        return _play(Stage(), options.url, options.quick)
    except UnfitServerError as error:
        print(f"the demo needs a PostgreSQL that lets it make a schema: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; what it had made is removed", file=sys.stderr)
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Encrypted columns, end to end.")
    parser.add_argument(
        "--url",
        type=_url,
        help="your own server, postgresql+psycopg://user@host/database: everything is done in a scratch "
        "schema there, which is removed (default: an embedded server)",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows")
    return parser.parse_args()


def _url(given: str) -> URL:
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise argparse.ArgumentTypeError("that is not a URL: postgresql+psycopg://...") from error
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise argparse.ArgumentTypeError("the demo speaks to PostgreSQL by psycopg: postgresql+psycopg://...")
    return url.set(drivername="postgresql+psycopg")


def _play(stage: Stage, url: URL | None, quick: bool) -> int:
    began = time.perf_counter()
    with ExitStack() as stack:
        stage.note("starting a PostgreSQL and a KMS ..." if url is None else "starting a KMS ...")
        files: Path | None = None
        if url is None:
            url, files = stack.enter_context(embedded_postgresql())
        schema = stack.enter_context(scratch_schema(url))
        kms = stack.enter_context(running_kms())
        world = World(url, schema, kms, Chinook.read(quick=quick), quick, files)
        _introduce(stage, world)
        for play in ORDER:
            play(stage, world)
    stage.scene("That was it", f"{time.perf_counter() - began:.0f} seconds. Schema {schema} is removed.")
    return verdict(stage)


def _introduce(stage: Stage, world: World) -> None:
    engine = create_engine(world.url)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("show server_version").scalar_one()
    engine.dispose()
    where = "embedded" if world.files else world.url.host or "local"
    with_what = stage.table("", "")
    with_what.show_header = False
    with_what.add_row("database", f"PostgreSQL {version}, {where}; schema {world.schema}")
    with_what.add_row("KMS", "moto's server on loopback, called by boto3")
    with_what.add_row("key", world.kms.arn)
    with_what.add_row("application", f"SQLAlchemy {sqlalchemy.__version__}, psycopg {psycopg.__version__}")
    with_what.add_row("data", "employees, customers and invoices of the Chinook sample database")
    stage.console.print(with_what)


def verdict(stage: Stage) -> int:
    """The exit code, and the count of what was promised."""
    stage.promise(f"{stage.kept} promises made, {stage.kept} held", not stage.broken)
    for words in stage.broken:
        stage.show(f"[bold red]did not hold:[/] {words}")
    return 1 if stage.broken else 0


def _leave(number: int, _frame: FrameType | None) -> None:
    """By way of every `finally`."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
