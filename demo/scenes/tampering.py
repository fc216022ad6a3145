"""Somebody with write access to the database changes cells: nothing opens as what it isn't."""

from typing import Any, NamedTuple

from rich.text import Text
from sqlalchemy import select, text
from sqlalchemy.orm import InstrumentedAttribute

from sqlalchemy_envelope import DecryptionError, Failure

from ..models import Customer, Employee
from ..stage import BAD, GOOD, Stage, caught
from ..world import World


class Change(NamedTuple):
    """What somebody does by hand, what is read then, and why that fails."""

    what: str
    sql: str
    read: InstrumentedAttribute[Any]
    failure: Failure


CHANGES = (
    Change(
        "a flipped bit in a value",
        "update customer set email = set_byte(email, 60, get_byte(email, 60) # 1) where customer_id = 4",
        Customer.email,
        Failure.TAG,
    ),
    Change(
        "a flipped bit in a wrapped key",
        "update customer set email_dek = set_byte(email_dek, 60, get_byte(email_dek, 60) # 1)"
        " where customer_id = 4",
        Customer.email,
        Failure.UNWRAP,
    ),
    Change(
        "a cell copied between columns",
        "update customer set email = address where customer_id = 4",
        Customer.email,
        Failure.COMMITMENT,
    ),
    Change(
        "a pair copied between columns",
        "update customer set email = address, email_dek = address_dek where customer_id = 4",
        Customer.email,
        Failure.UNWRAP,
    ),
    Change(
        "a pair copied to another table",
        "update employee set email = c.email, email_dek = c.email_dek from customer c where customer_id = 4",
        Employee.email,
        Failure.UNWRAP,
    ),
    Change(
        "a wrapped key from another row",
        "update customer c set email_dek = o.email_dek from customer o"
        " where c.customer_id = 4 and o.customer_id = 5",
        Customer.email,
        Failure.COMMITMENT,
    ),
)


def play(stage: Stage, world: World) -> None:
    """Each change in a transaction of its own, read back, and undone; at last one that goes through."""
    stage.scene(
        "Tampering",
        "A value is bound to its table and column, and committed to its data key. Whoever changes cells "
        "gets an error with one name for its cause, never another plaintext. Each change is rolled back.",
    )
    table = stage.table("what was done to customer 4", "reading it back", "")
    named, errors = [], []
    for change in CHANGES:
        error = _after(world, change)
        named.append(error is not None and error.failure is change.failure and not _leaks(error, world))
        errors.append(error)
        table.add_row(change.what, *_told(error))
    stage.show(table)
    stage.note(f"{errors[0]}")
    stage.promise(f"all {len(CHANGES)} refused, each with its cause named, no value in the text", all(named))
    _replayed(stage, world)


def _after(world: World, change: Change) -> DecryptionError | None:
    with world.session() as session:
        session.execute(text(change.sql))
        return caught(DecryptionError, lambda: session.scalars(select(change.read)).all())


def _told(error: DecryptionError | None) -> tuple[Text, Text]:
    if error is None:
        return Text("opened!", f"bold {BAD}"), Text()
    return Text("DecryptionError", GOOD), Text(f"failure={error.failure}", f"bold {GOOD}")


def _leaks(error: DecryptionError, world: World) -> bool:
    return any(value in str(error) for value in world.chinook.personal)


def _replayed(stage: Stage, world: World) -> None:
    sql = (
        "update customer c set email = o.email, email_dek = o.email_dek from customer o"
        " where c.customer_id = 4 and o.customer_id = 5"
    )
    with world.session() as session:
        session.execute(text(sql))
        read = session.scalar(select(Customer.email).where(Customer.customer_id == 4))
    other = next(row["email"] for row in world.chinook.customers if row["customer_id"] == 5)
    stage.promise(
        "and one thing that is not stopped, as docs/limits.md says: a whole pair copied to another row "
        "of the same column opens there",
        read == other,
    )
