"""What encryption costs beside the KMS: the same rows in plain text and encrypted, measured here and now."""

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.orm import Session

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach

from ..chinook import PERSONAL, Row
from ..models import Contact, PlainContact
from ..stage import Stage
from ..world import World

ROWS, QUICK_ROWS = 2000, 200
TIMES = 5
COLUMNS = [each for each in PERSONAL if hasattr(Contact, each)]
Table = type[Contact] | type[PlainContact]


def play(stage: Stage, world: World) -> None:
    """Write and read both tables in turn, the best of a few times each."""
    rows = _rows(world)
    stage.scene(
        "The cost",
        f"{len(rows)} rows of {len(COLUMNS)} encrypted columns beside the same in plain text, under a static "
        f"key, so that no network is in it: the best of {TIMES}.",
    )
    static = Envelope(DirectKeyring(StaticKey(secrets.token_bytes(32))))
    with world.bare_engine() as engine:
        attach(engine, static)
        for model in (PlainContact, Contact):  # once to warm up: connections, statements, keys
            _write(engine, model, rows)
            _read(engine, model)
        with world.kms.counted() as calls:
            plain, encrypted = (_measured(engine, model, rows) for model in (PlainContact, Contact))
        same = _read(engine, PlainContact) == _read(engine, Contact)
    table = stage.table("microseconds a row", "plain text", "encrypted", "ratio", "more for each value")
    for name, before, after in zip(("write (bulk insert)", "read (ORM)"), plain, encrypted, strict=True):
        more = (after - before) / len(COLUMNS)
        table.add_row(name, f"{before:.1f}", f"{after:.1f}", f"{after / before:.1f}×", f"{more:.1f}")
    stage.show(table)
    stage.promise(
        f"both tables read alike, and a static key needs no KMS: {calls.total()} calls", same and not calls
    )
    stage.show("\n[dim]With commit, on this machine, beside all else there; `make bench` measures with care.")


def _rows(world: World) -> list[Row]:
    customers, count = world.chinook.customers, QUICK_ROWS if world.quick else ROWS
    people = [{name: row[name] for name in COLUMNS} for row in customers]
    return [{"contact_id": n, **people[n % len(people)]} for n in range(count)]


def _measured(engine: Engine, model: Table, rows: list[Row]) -> tuple[float, float]:
    """Microseconds a row to write and to read."""
    write = min(_timed(lambda: _write(engine, model, rows)) for _ in range(TIMES))
    read = min(_timed(lambda: _read(engine, model)) for _ in range(TIMES))
    return write / len(rows) * 1e6, read / len(rows) * 1e6


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _write(engine: Engine, model: Table, rows: list[Row]) -> None:
    with Session(engine) as session:
        session.execute(delete(model))
        session.execute(insert(model), rows)
        session.commit()


def _read(engine: Engine, model: Table) -> list[tuple[str | None, ...]]:
    with Session(engine) as session:
        loaded = session.scalars(select(model).order_by(model.contact_id)).all()
        return [tuple(getattr(each, name) for name in COLUMNS) for each in loaded]
