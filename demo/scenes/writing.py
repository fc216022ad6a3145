"""Rows go in through the ORM, as ever; each value gets a data key of its own from the KMS."""

import time
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from ..chinook import Row, values_in
from ..models import Base, Customer, Employee, Invoice
from ..stage import Stage
from ..world import SHARED, World

BATCH = 10


def play(stage: Stage, world: World) -> None:
    """Load everything: people with a key per value, invoices with a key for a hundred."""
    stage.scene(
        "Writing",
        "session.add_all(...) and commit, nothing else. Each value is sealed under a data key of its own, "
        "which the KMS makes and wraps (kms:GenerateDataKey). The keys of one statement are asked for "
        "all at once.",
    )
    rows = world.chinook
    people = values_in(rows.employees) + values_in(rows.customers)
    with world.engine() as engine, world.kms.counted() as calls:
        began = time.perf_counter()
        with stage.progress("employees and customers", len(rows.employees) + len(rows.customers)) as advance:
            _add(engine, Employee, rows.employees, advance)
            _add(engine, Customer, rows.customers, advance)
        took = time.perf_counter() - began
    stage.promise(
        f"{len(rows.employees)} employees and {len(rows.customers)} customers, {people} values: "
        f"{calls['GenerateDataKey']} calls, one each, in {took:.1f} s",
        calls == {"GenerateDataKey": people},
    )
    _invoices(stage, world)


def _invoices(stage: Stage, world: World) -> None:
    rows = world.chinook.invoices
    with world.engine(reuse=SHARED) as engine, world.kms.counted() as calls:
        began = time.perf_counter()
        with stage.progress("invoices", len(rows)) as advance:
            _add(engine, Invoice, rows, advance)
        took = time.perf_counter() - began
        with Session(engine) as session:
            stored = session.scalar(select(func.count(Invoice.billing_address)))
    expected = -(-values_in(rows) // SHARED.values)
    stage.promise(
        f"{stored} invoices with reuse=Reuse(values={SHARED.values}, seconds={SHARED.seconds:.0f}): "
        f"{_counted(calls['GenerateDataKey'])} in {took:.1f} s",
        calls == {"GenerateDataKey": expected} and stored == len(rows),
    )


def _counted(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"


def _add(engine: Engine, model: type[Base], rows: list[Row], advance: Any) -> None:
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        with Session(engine) as session:
            session.add_all([model(**row) for row in batch])
            session.commit()
        advance(len(batch))
