"""What tiers cost beside a static key in whole statements, by turns on one server."""

import gc
import statistics
import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from sqlalchemy import Engine

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, TieredKeyring, attach
from sqlalchemy_envelope.keyring.keyring import Keyring

KEY = bytes(range(32))
metadata = sa.MetaData()
PEOPLE = {
    kind: sa.Table(
        f"person_{kind}",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", EncryptedText()),
    )
    for kind in ("static", "tiered")
}


def select(engine: Engine, rows: int = 5_000, rounds: int = 21) -> str:
    """Processor time of this process a row, median of `rounds`, for a bulk INSERT and a warm SELECT."""
    metadata.drop_all(engine)
    metadata.create_all(engine)
    static = StaticKey(KEY)
    keyrings: dict[str, Keyring] = {"static": DirectKeyring(static), "tiered": TieredKeyring(static)}
    engines = {kind: attach(sa.create_engine(engine.url), Envelope(each)) for kind, each in keyrings.items()}
    values = [{"name": f"name {number}"} for number in range(rows)]
    inserting = _medians({kind: partial(_insert, engines[kind], kind, values) for kind in engines}, rounds)
    selecting = _medians({kind: partial(_select, engines[kind], kind, rows) for kind in engines}, rounds)
    for each in engines.values():
        each.dispose()
    return "; ".join(
        f"{what}: {took['static'] / rows * 1e6:.2f} µs a row under a static key,"
        f" {took['tiered'] / rows * 1e6:.2f} tiered, {took['tiered'] / took['static']:.2f} times"
        for what, took in (("insert", inserting), ("select", selecting))
    )


def _medians(works: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {kind: [] for kind in works}
    for _ in range(rounds):
        for kind, work in works.items():
            gc.collect()
            began = time.process_time()
            work()
            times[kind].append(time.process_time() - began)
    return {kind: statistics.median(each) for kind, each in times.items()}


def _insert(engine: Engine, kind: str, values: list[dict[str, str]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(PEOPLE[kind]), values)


def _select(engine: Engine, kind: str, rows: int) -> None:
    table = PEOPLE[kind]
    with engine.connect() as connection:
        found = connection.execute(sa.select(table.c.id, table.c.name).limit(rows)).all()
    if len(found) != rows:
        raise AssertionError
