"""Rows written and read, bound to their primary key and not: keys of the client's and identity keys."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, attach

from .figures import Report
from .measure import Work, medians

Base = orm.declarative_base()


def _model(name: str, *, bind_row: bool, identity: bool) -> Any:
    key = sa.Column(sa.Integer, sa.Identity(), primary_key=True)
    columns = {
        "id": key if identity else sa.Column(sa.Integer, primary_key=True, autoincrement=False),
        "ssn": sa.Column(EncryptedText(bind_row=bind_row)),
    }
    return type(name, (Base,), {"__tablename__": name.lower(), **columns})


CLIENT = [_model("Free", bind_row=False, identity=False), _model("Bound", bind_row=True, identity=False)]
IDENTITY = [
    _model("FreeIdentity", bind_row=False, identity=True),
    _model("BoundIdentity", bind_row=True, identity=True),
]


def run(report: Report, engine: sa.Engine) -> None:
    """The suite, on an engine that this attaches."""
    count, rounds = (50, 1) if report.quick else (20_000, 11)
    report.suite("bound", f"{count:,} rows, median of {rounds} rounds, variants in turn, PostgreSQL beside")
    attach(engine, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
    Base.metadata.create_all(engine)
    for kind, models in (("client-made keys", CLIENT), ("identity keys", IDENTITY)):
        for name, insert in (("Core bulk insert", _core), ("ORM add_all", _orm)):
            works = {model.__name__: insert(engine, model, _rows(count, kind)) for model in models}
            times = medians(works, count, rounds, _emptied(engine, models))
            _tell(report, f"{name}, {kind}", times)
    _emptied(engine, CLIENT)()
    for model in CLIENT:
        _core(engine, model, _rows(count, "client"))()
    works = {model.__name__: _select(engine, model) for model in CLIENT}
    _tell(report, "Core select", medians(works, count, rounds))


def _rows(count: int, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"ssn": f"{n:09d} and up to thirty-six bytes"} for n in range(count)]
    return [{"id": n, **row} for n, row in enumerate(rows)] if kind.startswith("client") else rows


def _tell(report: Report, name: str, times: dict[str, float]) -> None:
    free, bound = times.values()
    report.add(f"{name}: encrypted", free, "µs a row")
    report.add(f"{name}: encrypted and bound to its row", bound, "µs a row")
    report.add(f"{name}: extra for the binding", bound - free, "µs a row")


def _emptied(engine: sa.Engine, models: list[Any]) -> Work:
    def empty() -> None:
        with engine.begin() as connection:
            for model in models:
                connection.execute(sa.text(f"truncate {model.__tablename__}"))

    return empty


def _core(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _orm(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with orm.Session(engine) as session:
            session.add_all([model(**row) for row in rows])
            session.commit()

    return insert


def _select(engine: sa.Engine, model: Any) -> Callable[[], object]:
    def select() -> int:
        with engine.connect() as connection:
            return len(connection.execute(sa.select(model.__table__)).all())

    return select
