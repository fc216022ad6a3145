"""What ciphertext can't answer is refused before anything is sent, and says what to do instead."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rich.text import Text
from sqlalchemy import Engine, cast, event, func, select, update
from sqlalchemy import Text as PlainText
from sqlalchemy.orm import Session

from sqlalchemy_envelope import EnvelopeError, NotAttachedError, UnsupportedStatementError

from ..models import Customer, Employee
from ..stage import BAD, GOOD, Stage, caught
from ..world import World

C = Customer
Statement = Callable[[], Any]
STATEMENTS: dict[str, Statement] = {
    "select(C).order_by(C.last_name)": lambda: select(C).order_by(C.last_name),
    'select(C).where(C.email == "luisg@embraer.com.br")': lambda: select(C).where(C.email == "a@b.c"),
    'select(C).where(C.phone.like("+47%"))': lambda: select(C).where(C.phone.like("+47%")),
    "select(C.country).group_by(C.country, C.email)": lambda: select(C.country).group_by(C.country, C.email),
    "select(func.max(C.last_name))": lambda: select(func.max(C.last_name)),
    "select(func.json_agg(C.email))": lambda: select(func.json_agg(C.email)),
    "select(cast(C.email, Text))": lambda: select(cast(C.email, PlainText)),
    "select(C.customer_id).join(E, C.email == E.email)": lambda: select(C.customer_id).join(
        Employee, C.email == Employee.email
    ),
    "update(C).values(company=C.email)": lambda: update(C).values(company=C.email),
}
INSTEAD: dict[str, Statement] = {
    "another column": lambda: select(Customer.email).where(Customer.country == "Norway"),
    "IS NULL": lambda: select(Customer.customer_id).where(Customer.phone.is_(None)),
    "count": lambda: select(func.count(Customer.email)),
}


def play(stage: Stage, world: World) -> None:
    """Statement by statement, with an ear on the wire."""
    stage.scene(
        "What can't be asked",
        "The database sees random bytes, so sorting or comparing them would answer wrongly, and silently. "
        "Such a statement raises UnsupportedStatementError before anything is sent; docs/statements.md has a "
        "row for each kind.",
    )
    with world.engine() as engine:
        _refused(stage, engine)
        with Session(engine) as session:
            answered = [len(session.execute(statement()).all()) for statement in INSTEAD.values()]
    stage.promise("while a filter on another column, IS NULL and count work", len(answered) == len(INSTEAD))
    _unattached(stage, world)


def _refused(stage: Stage, engine: Engine) -> None:
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    errors = []
    for statement in STATEMENTS.values():
        with Session(engine) as session:
            errors.append(caught(UnsupportedStatementError, partial(_execute, session, statement)))
    table = stage.table("C = Customer, E = Employee", "")
    for shown, error in zip(STATEMENTS, errors, strict=True):
        table.add_row(shown, Text("refused", GOOD) if error else Text("answered!", f"bold {BAD}"))
    stage.show(table)
    stage.note(f"{errors[0]}")
    stage.promise(f"{len(errors)} refused, {len(sent)} statements sent", all(errors) and not sent)


def _execute(session: Session, statement: Statement) -> object:
    """Some refuse while they are built, the others when they are compiled."""
    return session.execute(statement()).all()


def _unattached(stage: Stage, world: World) -> None:
    made = Customer(customer_id=1000, country="Norway", first_name="x", last_name="y", email="z")
    with world.bare_engine() as engine, Session(engine) as session:
        reading = caught(EnvelopeError, lambda: session.scalars(select(Customer.email)).all())
        session.add(made)
        writing = caught(EnvelopeError, session.flush)
    stage.promise(
        f"an engine without an envelope neither reads nor writes: {reading}",
        isinstance(reading, NotAttachedError) and isinstance(writing, NotAttachedError),
    )
