"""What attaching an envelope costs a process that touches no encrypted column: by statement, and to start."""

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import attach, detach

from . import startup
from .figures import Report
from .ground import Ground
from .keyrings import static_envelope
from .measure import Work, medians
from .models import Plain


def run(report: Report, ground: Ground) -> None:
    """The suite, on one connection: two differ by more than an envelope makes of a difference."""
    count, rounds = (20, 1) if report.quick else (1_000, 11)
    report.suite("attach", f"a plain table, {count:,} statements a round, median of {rounds} rounds")
    engine, envelope = ground.engine(), static_envelope()
    with engine.begin() as connection:
        Plain.metadata.create_all(connection, [Plain.__table__])
        connection.execute(sa.text("truncate plain"))
        connection.execute(sa.insert(Plain), {"id": 1, "ssn": b"x"})
    table: dict[str, list[float | None]] = {}
    for name, work in _WORKS.items():
        with engine.connect() as connection:
            run_all = work(connection, count)
            works = {"without": _after(lambda: detach(engine), run_all)}
            works["with"] = _after(lambda: attach(engine, envelope), run_all)
            times = medians(works, count, rounds)
        extra = times["with"] - times["without"]
        table[name] = [times["without"], times["with"], extra, times["with"] / times["without"]]
    report.table("µs a statement", ["without", "with", "more", "with, against without"], table)
    startup.run(report, ground)


def _after(change: Work, work: Work) -> Work:
    """Both changes clear the cache of compiled statements: each round compiles one."""

    def changed() -> None:
        change()
        work()

    return changed


def _select(connection: sa.Connection, count: int) -> Work:
    statement = sa.select(Plain.__table__).where(Plain.id == 1)
    return lambda: [connection.execute(statement).all() for _ in range(count)]


def _insert(connection: sa.Connection, count: int) -> Work:
    statement = sa.insert(Plain.__table__)

    def insert() -> None:
        for number in range(2, count + 2):
            connection.execute(statement, {"id": number, "ssn": b"y"})
        connection.rollback()

    return insert


def _update(connection: sa.Connection, count: int) -> Work:
    statement = sa.update(Plain.__table__).where(Plain.id == 1)

    def update() -> None:
        for _ in range(count):
            connection.execute(statement, {"ssn": b"y"})
        connection.rollback()

    return update


def _compile(connection: sa.Connection, count: int) -> Work:
    """What only the first execution of a statement pays: afterwards SQLAlchemy has it in its cache."""
    other = Plain.__table__.alias()
    statement = sa.select(Plain.__table__).join(other, other.c.id == Plain.id).where(other.c.id > 1)
    return lambda: [statement.compile(connection.engine) for _ in range(count)]


def _get(connection: sa.Connection, count: int) -> Work:
    session = orm.Session(connection)

    def get() -> None:
        for _ in range(count):
            session.get(Plain, 1)
            session.expunge_all()

    return get


_WORKS = {
    "Core select by key": _select,
    "Core insert": _insert,
    "Core update by key": _update,
    "ORM get": _get,
    "compiling a join anew": _compile,
}
