"""A missing key and a stray writer: the CHECK constraint of a pair keeps both out of the table."""

from functools import partial

from rich.text import Text
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from sqlalchemy_envelope import DecryptionError, Failure

from ..models import Customer
from ..stage import BAD, GOOD, Stage, caught
from ..world import World

GUARD = "customer_phone_envelope"
WRITES = {
    "a script writes plain text": "update customer set phone = '+47 22 44 22 22' where customer_id = 4",
    "a data key goes missing": "update customer set phone_dek = NULL where customer_id = 4",
    "a value goes missing": "update customer set phone = NULL where customer_id = 4",
    "a value without a key": "update customer set phone = email, phone_dek = NULL where customer_id = 4",
    "an INSERT without keys": (
        "insert into customer (customer_id, country, first_name, last_name, email)"
        " values (1000, 'Norway', 'x', 'y', 'z')"
    ),
}


def play(stage: Stage, world: World) -> None:
    """Writes past the application, refused; and what a reader says where they got past the constraint."""
    stage.scene("The guard", "Each pair has a CHECK constraint: both cells NULL, or both an envelope.")
    table = stage.table("past the application", "PostgreSQL")
    refused = []
    for what, sql in WRITES.items():
        with world.session() as session:
            error = caught(IntegrityError, partial(session.execute, text(sql)))
        words = _first_line(error)
        refused.append("_envelope" in words or "_dek" in words)
        table.add_row(what, Text(words or "stored!", GOOD if words else f"bold {BAD}"))
    stage.show(table)
    stage.promise("nothing of the kind is stored", all(refused))
    _lone_cell(stage, world)


def _first_line(error: IntegrityError | None) -> str:
    """What PostgreSQL says, without the row that it shows below."""
    words = str(error.orig).splitlines()[0] if error else ""
    return words.replace(' of relation "customer"', "").replace('new row for relation "customer" ', "")


def _lone_cell(stage: Stage, world: World) -> None:
    with world.session() as session:
        session.execute(text(f"alter table customer drop constraint {GUARD}"))
        session.execute(text(WRITES["a data key goes missing"]))
        error = caught(DecryptionError, lambda: session.scalars(select(Customer.phone)).all())
    stage.promise(
        f"and had somebody dropped the constraint: {error}, never a NULL",
        error is not None and error.failure is Failure.LONE_CELL,
    )
