"""What a statement on a plain table costs more once an envelope is attached."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach

from .figures import Report
from .measure import medians
from .rows import Plain


def run(report: Report, plain: sa.Engine, attached: sa.Engine) -> None:
    """The suite, on two engines of one database."""
    count, rounds = (50, 3) if report.quick else (1_000, 15)
    report.suite("attach", f"a plain table, {count:,} statements a round, median of {rounds} rounds")
    attach(attached, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
    Plain.metadata.create_all(plain, [Plain.__table__])
    with plain.begin() as connection:
        connection.execute(sa.text("truncate plain"))
        connection.execute(sa.insert(Plain), {"id": 1, "ssn": b"x"})
    for name, work in (("Core select by key", _select), ("Core update by key", _update), ("ORM get", _get)):
        with plain.connect() as one, attached.connect() as other:
            times = medians({"without": work(one, count), "with": work(other, count)}, count, rounds)
        report.add(f"{name}: without", times["without"], "µs")
        report.add(f"{name}: with", times["with"], "µs")
        report.add(f"{name}: with, against without", times["with"] / times["without"], "×")


def _select(connection: sa.Connection, count: int) -> Callable[[], object]:
    statement = sa.select(Plain.__table__).where(Plain.id == 1)
    return lambda: [connection.execute(statement).all() for _ in range(count)]


def _update(connection: sa.Connection, count: int) -> Callable[[], object]:
    statement = sa.update(Plain.__table__).where(Plain.id == 1)

    def update() -> None:
        for _ in range(count):
            connection.execute(statement, {"ssn": b"y"})
        connection.rollback()

    return update


def _get(connection: sa.Connection, count: int) -> Callable[[], object]:
    session = orm.Session(connection)

    def get() -> None:
        for _ in range(count):
            session.get(Plain, 1)
            session.expunge_all()

    return get
