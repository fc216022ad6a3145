"""What an application does with rows, each as a function that a benchmark can time."""

from collections.abc import Callable
from functools import cache
from itertools import count as numbers
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from .measure import Work
from .models import Rows, fill

Make = Callable[[sa.Engine, Any, Rows], Work]
"""From an engine, a model and rows: what does it with all of these rows once."""


def core_bulk_insert(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """All rows by one `execute`."""

    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def orm_add_all(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """Objects made, added and committed."""

    def insert() -> None:
        with orm.Session(engine) as session:
            session.add_all([model(**row) for row in rows])
            session.commit()

    return insert


def core_insert(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """A statement a row, in one transaction."""
    statement = sa.insert(model.__table__)

    def insert() -> None:
        with engine.begin() as connection:
            for row in rows:
                connection.execute(statement, row)

    return insert


def orm_insert(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """A flush a row, in one transaction."""

    def insert() -> None:
        with orm.Session(engine) as session:
            for row in rows:
                session.add(model(**row))
                session.flush()
            session.commit()

    return insert


def core_update(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """A statement by key a row."""
    _filled(engine, model, rows)
    table, turns = model.__table__, numbers()
    statement = sa.update(table).where(table.c.id == sa.bindparam("key"))

    def update() -> None:
        changed = _changed(rows, next(turns))
        with engine.begin() as connection:
            for row, values in zip(rows, changed, strict=True):
                connection.execute(statement, {"key": row["id"], **values})

    return update


def orm_update(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """All loaded by one statement, changed, and flushed together."""
    _filled(engine, model, rows)
    turns = numbers()

    def update() -> None:
        changed = _changed(rows, next(turns))
        with orm.Session(engine) as session:
            for found, values in zip(
                session.scalars(sa.select(model).order_by(model.id)), changed, strict=True
            ):
                for name, value in values.items():
                    setattr(found, name, value)
            session.commit()

    return update


def core_select_by_key(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """A statement a row."""
    _filled(engine, model, rows)
    table = model.__table__
    statement = sa.select(table).where(table.c.id == sa.bindparam("key"))

    def select() -> None:
        with engine.connect() as connection:
            for row in rows:
                connection.execute(statement, {"key": row["id"]}).one()

    return select


def orm_get(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """`Session.get` of each row."""
    _filled(engine, model, rows)

    def get() -> None:
        with orm.Session(engine) as session:
            for row in rows:
                session.get(model, row["id"])

    return get


def core_select(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """All rows by one statement."""
    _filled(engine, model, rows)

    def select() -> int:
        with engine.connect() as connection:
            return len(connection.execute(sa.select(model.__table__)).all())

    return select


def orm_select(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """All rows by one statement, as objects."""
    _filled(engine, model, rows)

    def select() -> int:
        with orm.Session(engine) as session:
            return len(session.scalars(sa.select(model)).all())

    return select


def joined_load(engine: sa.Engine, model: Any, rows: Rows) -> Work:
    """As many rows of another table, each with its row of this one by `joinedload`."""
    _filled(engine, model, rows)
    visit, owner = _visit(model)
    with engine.begin() as connection:
        visit.metadata.create_all(connection, [visit.__table__])
        fill(connection, visit.__table__, [{"id": n, "owner_id": row["id"]} for n, row in enumerate(rows)])

    def select() -> int:
        with orm.Session(engine) as session:
            return len(session.scalars(sa.select(visit).options(orm.joinedload(owner))).all())

    return select


@cache
def _visit(model: Any) -> tuple[Any, Any]:
    """A model that refers to the other, and its relationship; no constraint: `truncate` would refuse."""
    name = f"Visit{model.__name__}"
    number, owner = sa.Column(sa.Integer, primary_key=True), sa.Column(sa.Integer)
    found = orm.relationship(model, primaryjoin=orm.foreign(owner) == model.id)
    said = {"__tablename__": name.lower(), "id": number, "owner_id": owner, "owner": found}
    visit: Any = type(name, model.__bases__, said)
    return visit, visit.owner


def _filled(engine: sa.Engine, model: Any, rows: Rows) -> None:
    with engine.begin() as connection:
        fill(connection, model.__table__, rows)


def _changed(rows: Rows, turn: int) -> Rows:
    """Each row's values from another row, another one each turn: what has not changed is not written."""
    shift = turn % (len(rows) - 1) + 1
    moved = rows[shift:] + rows[:shift]
    return [{name: value for name, value in row.items() if name != "id"} for row in moved]
