"""Instructions a row, by valgrind's callgrind: `python -m benchmarks.counts`, which other load does not sway.

Each path runs under callgrind once and again three times over: the difference is what its rows cost, with all
warm and without start-up. Python's collector is off; the kernel's and the server's part is not counted.
"""

import argparse
import gc
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import orm

from demo.server import embedded_postgresql, scratch_schema
from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach
from sqlalchemy_envelope.codec import decode_text
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.sealing import ToSeal

from . import bare
from .models import Ours, Plain
from .peers import TEXT

Work = Callable[[], object]


def _seal(envelope: Envelope, count: int) -> Work:
    return lambda: envelope.seal_columns([ToSeal(bare.CONTEXT, [bare.VALUE] * count)])


def _open(envelope: Envelope, count: int) -> Work:
    column = envelope.seal_columns([ToSeal(bare.CONTEXT, [bare.VALUE] * count)])[0]
    pairs = [
        (dek or b"") + (content or b"") for dek, content in zip(column.deks, column.contents, strict=True)
    ]
    read = envelope.opener(Reading(bare.CONTEXT)).reader(decode_text)
    return lambda: [read(pair) for pair in pairs]


def _bare_open(count: int) -> Work:
    sealed = bare.sealed(count)
    return lambda: bare.open_all(sealed)


def _each(call: Work) -> Callable[[Envelope, int], Work]:
    """One call of a library a row, and a few hundred instructions of the loop around it."""
    return lambda _, count: lambda: [call() for _ in range(count)]


_AES = AESGCM(bytes(range(32)))
_NONCE, _KEY, _HEAD = bytes(12), bytes(range(32)), bytes(21)

PRIMITIVES: dict[str, Callable[[Envelope, int], Work]] = {
    "random bytes, 60": _each(lambda: os.urandom(60)),
    "wrap a data key": _each(lambda: _AES.encrypt(_NONCE, _KEY, _HEAD)),
    "SHA-512 of one block": _each(lambda: hashlib.sha512(bytes(108)).digest()),
    "AES-256-GCM key schedule": _each(lambda: AESGCM(_KEY)),
    "encrypt 36 bytes": _each(lambda: _AES.encrypt(_NONCE, bare.VALUE, _HEAD)),
    "bare seal": lambda _, count: lambda: bare.seal(count),
    "seal in a batch": _seal,
    "bare open": lambda _, count: _bare_open(count),
    "read a pair as text": _open,
}


def _row(model: Any, number: int) -> dict[str, Any]:
    if model is Ours:
        return {"id": number, "ssn": TEXT}
    return {"id": number, "ssn": os.urandom(104), "ssn_dek": os.urandom(81)}


def _bulk_insert(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {model.__tablename__}"))
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _insert_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {model.__tablename__}"))
            for row in rows:
                connection.execute(sa.insert(model.__table__), row)

    return insert


def _update_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()
    statement = sa.update(model.__table__).where(model.__table__.c.id == sa.bindparam("number"))
    given = [{"number": row["id"], **{key: row[key] for key in row if key != "id"}} for row in rows]

    def update() -> None:
        with engine.begin() as connection:
            for row in given:
                connection.execute(statement, row)

    return update


def _flush_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def flush() -> None:
        with orm.Session(engine) as session:
            session.execute(sa.text(f"truncate {model.__tablename__}"))
            for row in rows:
                session.add(model(**row))
                session.flush()
            session.commit()

    return flush


def _flush(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def flush() -> None:
        with orm.Session(engine) as session:
            session.execute(sa.text(f"truncate {model.__tablename__}"))
            session.add_all([model(**row) for row in rows])
            session.commit()

    return flush


def _select(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def select() -> None:
        with engine.connect() as connection:
            connection.execute(sa.select(model.__table__)).all()

    return select


def _load(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def load() -> None:
        with orm.Session(engine) as session:
            session.scalars(sa.select(model)).all()

    return load


def _select_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()
    statement = sa.select(model.__table__).where(model.id == sa.bindparam("number"))

    def select() -> None:
        with engine.connect() as connection:
            for row in rows:
                connection.execute(statement, {"number": row["id"]}).all()

    return select


STATEMENTS: dict[str, Callable[[sa.Engine, Any, list[dict[str, Any]]], Work]] = {
    "Core bulk insert": _bulk_insert,
    "ORM add_all": _flush,
    "Core select": _select,
    "ORM select": _load,
    "Core insert, one at a time": _insert_singly,
    "Core update, one at a time": _update_singly,
    "ORM flush, one at a time": _flush_singly,
    "Core select by key": _select_singly,
}
VARIANTS: dict[str, Any] = {"encrypted": Ours, "bytea": Plain, "bytea, not attached": Plain}
ROWS_AT_ONCE = ("Core bulk insert", "ORM add_all", "Core select", "ORM select")
"""Where many rows share what a statement costs, whether an envelope is attached does not count."""


@contextmanager
def prepared(path: str, count: int, url: str) -> Iterator[Work]:
    """One path of `count` rows, with its tables made."""
    name, _, variant = path.partition(": ")
    envelope = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))
    if name in PRIMITIVES:
        yield PRIMITIVES[name](envelope, count)
        return
    engine, model = sa.create_engine(url, poolclass=sa.StaticPool), VARIANTS[variant]
    if "not attached" not in variant:
        attach(engine, envelope)
    try:
        model.metadata.drop_all(engine, tables=[model.__table__])
        model.metadata.create_all(engine, tables=[model.__table__])
        yield STATEMENTS[name](engine, model, [_row(model, number) for number in range(count)])
    finally:
        engine.dispose()


def run_one(path: str, count: int, runs: int, url: str) -> None:
    """What the child does under callgrind: a path once to warm up, then `runs` times."""
    with prepared(path, count, url) as work:
        gc.disable()
        work()
        subprocess.run(["callgrind_control", "-i", "on", str(os.getpid())], capture_output=True, check=True)
        for _ in range(runs):
            work()


def counted(path: str, count: int, url: str) -> float:
    """Instructions of one row."""
    once, thrice = (_of_child(path, count, runs, url) for runs in (1, 3))
    return (thrice - once) / 2 / count


def _of_child(path: str, count: int, runs: int, url: str) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]
    child = [sys.executable, "-m", "benchmarks.counts", path, "--rows", str(count), "--runs", str(runs)]
    command, environ = [*valgrind, *child, "--url", url], {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def every_path() -> list[str]:
    """The names of all that is counted."""
    each = [(name, variant) for name in STATEMENTS for variant in VARIANTS]
    skipped = [(name, "bytea, not attached") for name in ROWS_AT_ONCE]
    return [*PRIMITIVES, *(f"{name}: {variant}" for name, variant in each if (name, variant) not in skipped)]


def main() -> None:
    """Every path, or those whose name contains what is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counts", description=__doc__)
    parser.add_argument(
        "path", nargs="?", default="", help="a part of the names of the paths that are counted"
    )
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--url", help="a PostgreSQL to use a scratch schema of (default: one started here)")
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.runs:
        run_one(given.path, given.rows, given.runs, given.url)
        return
    with ExitStack() as stack:
        url = sa.make_url(given.url) if given.url else stack.enter_context(embedded_postgresql())[0]
        schema = stack.enter_context(scratch_schema(url))
        url = url.update_query_dict({"options": f"-csearch_path={schema}"})
        for path in every_path():
            if given.path in path:
                count = counted(path, given.rows, url.render_as_string(hide_password=False))
                print(f"{path:50} {count:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()
