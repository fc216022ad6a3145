"""How often the KMS is called: by values or by reuse, once for what was read lately, never in between."""

import time
from collections import Counter

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from ..chinook import values_in
from ..models import Base, Customer, Employee, Invoice
from ..stage import Stage
from ..world import SHARED, World


def play(stage: Stage, world: World) -> None:
    """Everything read by a process that just started, and read again."""
    stage.scene(
        "KMS calls",
        "Counted where boto3 puts a request on the wire. One wave of concurrent calls a statement; what "
        "was unwrapped is kept for five minutes, up to 10,000 keys (both can be set; 0 keeps none).",
    )
    rows = world.chinook
    people = values_in(rows.employees) + values_in(rows.customers)
    addresses = values_in(rows.invoices)
    shared_keys = -(-addresses // SHARED.values)
    table = stage.table("a process that just started reads", "values", "kms:Decrypt", "took", "and again")
    held = []
    with world.engine() as engine:
        for name, models, values, keys in (
            ("employees and customers, a data key each", (Employee, Customer), people, people),
            (f"invoices, {SHARED.values} values a data key", (Invoice,), addresses, shared_keys),
        ):
            cold, took = _read(world, engine, models)
            warm, again = _read(world, engine, models)
            held.append(cold == {"Decrypt": keys} and not warm)
            cells = str(cold["Decrypt"]), f"{took:.2f} s", f"{warm.total()} calls, {again * 1000:.0f} ms"
            table.add_row(name, str(values), *cells)
    stage.show(table)
    stage.promise("one call a data key, and none for what was read before", all(held))


def _read(world: World, engine: Engine, models: tuple[type[Base], ...]) -> tuple[Counter[str], float]:
    with world.kms.counted() as calls, Session(engine) as session:
        began = time.perf_counter()
        for model in models:
            session.scalars(select(model)).all()
        took = time.perf_counter() - began
    return calls, took
