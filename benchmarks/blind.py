"""Blind indexes: a lookup in many rows against one in a plain indexed column, and what a row costs more."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import BlindIndex, DirectKeyring, EncryptedText, Envelope, StaticKey, attach

from .figures import Report
from .measure import Work, medians

Base = orm.declarative_base()
LOOKUP_AIM, INSERT_AIM = 1.3, 4.0
_CHUNK = 20_000


class Text(Base):  # type: ignore[misc, valid-type]
    """A plain indexed column of text."""

    __tablename__ = "blind_text"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(sa.Text, index=True)


class Indexed(Base):  # type: ignore[misc, valid-type]
    """An encrypted column with a blind index."""

    __tablename__ = "blind_indexed"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(EncryptedText(index=BlindIndex()))


class Bare(Base):  # type: ignore[misc, valid-type]
    """The same without one."""

    __tablename__ = "blind_bare"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(EncryptedText())


class Beside(Base):  # type: ignore[misc, valid-type]
    """The same beside a plain column of the size of a digest, with an index of PostgreSQL's."""

    __tablename__ = "blind_beside"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(EncryptedText())
    digest = sa.Column(sa.LargeBinary, index=True)


def run(report: Report, engine: sa.Engine) -> None:
    """The suite, in a database of its own: index keys lie in a schema of one name."""
    count, lookups, rounds = (2_000, 50, 1) if report.quick else (1_000_000, 500, 21)
    report.suite("blind", f"{count:,} rows, {lookups:,} lookups a round, median of {rounds} rounds")
    with _database(engine) as own:
        attach(own, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
        Base.metadata.create_all(own)
        _fill(own, count)
        with own.connect() as connection:
            _look_up(report, connection, count, lookups, rounds)
        _insert(report, own, 200 if report.quick else _CHUNK, 1 if report.quick else 15)


def _number(at: int) -> str:
    return f"{at:09d} and up to thirty-six bytes"


def _fill(engine: sa.Engine, count: int) -> None:
    for model in (Text, Indexed):
        for start in range(0, count, _CHUNK):
            rows = [{"id": at, "ssn": _number(at)} for at in range(start, min(start + _CHUNK, count))]
            with engine.begin() as connection:
                connection.execute(sa.insert(model.__table__), rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def _look_up(report: Report, connection: sa.Connection, count: int, lookups: int, rounds: int) -> None:
    wanted = [_number(random.randrange(count)) for _ in range(lookups)]
    for told, columns in {"id": ("id",), "id and value": ("id", "ssn")}.items():
        works = {model.__name__: _looking(connection, model, columns, wanted) for model in (Text, Indexed)}
        for work in works.values():
            work()  # warms PostgreSQL's pages and SQLAlchemy's cache
        times = medians(works, lookups, rounds)
        report.add(f"lookup of {told}: plain indexed text", times["Text"], "µs")
        report.add(f"lookup of {told}: by a blind index", times["Indexed"], "µs")
        report.add(f"lookup of {told}: against plain", times["Indexed"] / times["Text"], "×", LOOKUP_AIM)


def _looking(connection: sa.Connection, model: Any, names: tuple[str, ...], wanted: list[str]) -> Work:
    columns = [getattr(model, name) for name in names]

    def look() -> None:
        for value in wanted:
            connection.execute(sa.select(*columns).where(model.ssn == value)).one()

    return look


def _insert(report: Report, engine: sa.Engine, count: int, rounds: int) -> None:
    rows: list[dict[str, Any]] = [{"id": -at, "ssn": _number(at)} for at in range(1, count + 1)]
    beside = [{**row, "digest": os.urandom(20)} for row in rows]
    works = {"Bare": _inserting(engine, Bare, rows), "Indexed": _inserting(engine, Indexed, rows)}
    works["Beside"] = _inserting(engine, Beside, beside)
    times = medians(works, count, rounds, lambda: _emptied(engine))
    parameters = f"rows inserted by {count:,}"
    report.add(f"{parameters}: encrypted, no index", times["Bare"], "µs a row")
    report.add(f"{parameters}: beside an indexed bytea of 20 bytes", times["Beside"], "µs a row")
    report.add(f"{parameters}: with a blind index", times["Indexed"], "µs a row")
    report.add("a blind index costs", times["Indexed"] - times["Bare"], "µs a row", INSERT_AIM)
    report.add("of which the digest costs", times["Indexed"] - times["Beside"], "µs a row")


def _inserting(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _emptied(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE blind_indexed, blind_bare, blind_beside"))


@contextmanager
def _database(engine: sa.Engine) -> Iterator[sa.Engine]:
    name = f"envelope_blind_{os.getpid()}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        own = sa.create_engine(engine.url.set(database=name))
        try:
            yield own
        finally:
            own.dispose()
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
