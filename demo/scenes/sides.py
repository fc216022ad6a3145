"""One row from both sides: what the application sees, and what the database holds."""

from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ..models import Customer
from ..stage import PLAIN, Stage, shortened
from ..world import World

SHOWN = (1, 2, 4, 5)
LONG_ENOUGH = 6
"""Bytes; anything shorter turns up in random ones by chance."""


def play(stage: Stage, world: World) -> None:
    """Both sides, one record as psql has it, and a search for everything personal."""
    stage.scene("Two sides", "The same rows, by the ORM and by plain SQL.")
    _side_by_side(stage, world)
    _record(stage, world)
    _search_tables(stage, world)
    if world.files is not None:
        _search_files(stage, world.files, world)


def _side_by_side(stage: Stage, world: World) -> None:
    table = stage.table("email in Python", "email_dek in the table", "email in the table")
    with world.engine() as engine, Session(engine) as session:
        wanted = select(Customer).where(Customer.customer_id.in_(SHOWN)).order_by(Customer.customer_id)
        customers = session.scalars(wanted).all()
    cells = {row["customer_id"]: row for row in _raw(world, "customer")}
    for customer in customers:
        row = cells[customer.customer_id]
        table.add_row(f"[{PLAIN}]{customer.email}", shortened(row["email_dek"]), shortened(row["email"]))
    stage.show(table)
    given = {row["customer_id"]: row["email"] for row in world.chinook.customers}
    same = [customer.email == given[customer.customer_id] for customer in customers]
    stage.promise("the ORM returns what was put in", all(same) and len(same) == len(SHOWN))


def _record(stage: Stage, world: World) -> None:
    stage.show("\nA backup, a replica or somebody at psql's prompt sees [bold]select * from customer[/]:\n")
    record = next(row for row in _raw(world, "customer") if row["customer_id"] == SHOWN[-1])
    table = stage.table("", "")
    table.show_header = False
    for name, cell in record.items():
        table.add_row(name, shortened(cell, 32) if isinstance(cell, bytes) else str(cell))
    stage.show(table)


def _search_tables(stage: Stage, world: World) -> None:
    rows = [row for name in ("employee", "customer", "invoice") for row in _raw(world, name)]
    cells = [cell for row in rows for cell in row.values()]
    stored = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    needles = {each.encode() for each in world.chinook.personal if len(each.encode()) >= LONG_ENOUGH}
    found = sum(needle in stored for needle in needles)
    stage.promise(
        f"{len(needles)} names, addresses, phones, e-mails looked for in all {len(rows)} rows: {found} found",
        found == 0 and len(needles) > len(rows) / 3,
    )


def _search_files(stage: Stage, files: Path, world: World) -> None:
    """With one value that is meant to be in the clear, to see that the search finds anything."""
    with world.bare_engine() as engine, engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CHECKPOINT"))
    contents = [file.read_bytes() for file in files.rglob("*") if file.is_file()]
    size = sum(map(len, contents)) / 2**20
    emails = [row["email"].encode() for row in world.chinook.customers[:12]]
    found = sum(any(email in each for each in contents) for email in emails)
    control = any(b"JetBrains s.r.o." in each for each in contents)
    stage.promise(
        f"{len(emails)} e-mails looked for in the server's own files, {size:.0f} MB of tables, write-ahead "
        f"log and log: {found} found (a company's name, which is not encrypted, is found)",
        found == 0 and control,
    )


def _raw(world: World, table: str) -> list[dict[str, Any]]:
    with world.bare_engine() as engine, engine.connect() as connection:
        found = connection.execute(text(f'SELECT * FROM "{world.schema}".{table} ORDER BY 1'))
        return [dict(row) for row in found.mappings()]
