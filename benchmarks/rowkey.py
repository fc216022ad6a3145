"""Five encrypted columns under one data key a row, against five with a sibling each: calls, bytes, time."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, attach, detach
from sqlalchemy_envelope.testing import FakeKms

from .figures import Report
from .measure import Work, medians

Base = orm.declarative_base()
NAMES = tuple(f"c{number}" for number in range(5))


def _model(name: str, dek: str | None) -> Any:
    columns: dict[str, Any] = {each: sa.Column(EncryptedText(dek=dek)) for each in NAMES}
    key = sa.Column(sa.Integer, primary_key=True)
    return type(name, (Base,), {"__tablename__": name.lower(), "id": key, **columns})


MODELS = {"five siblings": _model("Apart", None), "one key a row": _model("Together", "row_dek")}


def run(report: Report, engine: sa.Engine) -> None:
    """The suite, on an engine that this attaches and leaves as it was."""
    count, rounds = (50, 1) if report.quick else (5_000, 7)
    report.suite("rowkey", f"{count:,} rows of five columns, median of {rounds} rounds, variants in turn")
    rows = [{"id": n, **{name: f"{name} of row {n:09d}" for name in NAMES}} for n in range(count)]
    Base.metadata.create_all(engine)
    try:
        _calls(report, engine, rows[:20])
        attach(engine, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
        for name, work in _WORKS.items():
            works = {each: work(engine, model, rows) for each, model in MODELS.items()}
            times = medians(works, count, rounds, _emptied(engine, name, rows))
            for each, time in times.items():
                report.add(f"{name}: {each}", time, "µs a row")
        for each, model in MODELS.items():
            _bytes(report, engine, each, model, count)
    finally:
        detach(engine)
        Base.metadata.drop_all(engine)


def _calls(report: Report, engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    """In strict mode, where each data key is a call to KMS."""
    for name, model in MODELS.items():
        kms = FakeKms(insecure=True)
        attach(engine, Envelope(DirectKeyring(kms)))
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)
            connection.execute(sa.select(model.__table__)).all()
            connection.execute(sa.delete(model.__table__))
        detach(engine)
        report.add(f"KMS calls to write: {name}", kms.generated / len(rows), "a row")
        report.add(f"KMS calls to read it cold: {name}", kms.unwrapped / len(rows), "a row")


def _bytes(report: Report, engine: sa.Engine, name: str, model: Any, count: int) -> None:
    _filled(engine, model, [{"id": n, **{each: f"{each} {n:09d}" for each in NAMES}} for n in range(count)])
    siblings = {each.type.dek for each in (model.__table__.c[name] for name in NAMES)}
    sizes = " + ".join(f"octet_length({each})" for each in sorted(siblings))
    query = f"SELECT avg({sizes}), pg_table_size('{model.__tablename__}') FROM {model.__tablename__}"
    with engine.connect() as connection:
        wrapped, table = connection.execute(sa.text(query)).one()
    report.add(f"wrapped keys: {name}", float(wrapped), "bytes a row")
    report.add(f"table: {name}", table / count, "bytes a row")


def _emptied(engine: sa.Engine, name: str, rows: list[dict[str, Any]]) -> Work:
    def empty() -> None:
        for model in MODELS.values():
            _filled(engine, model, [] if "insert" in name else rows)

    return empty if "insert" in name or "update" in name else lambda: None


def _filled(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {model.__tablename__}"))
        if rows:
            connection.execute(sa.insert(model.__table__), rows)


def _core_insert(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _core_select(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    _filled(engine, model, rows)

    def select() -> None:
        with engine.connect() as connection:
            connection.execute(sa.select(model.__table__)).all()

    return select


def _core_update(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    table = model.__table__
    statement = sa.update(table).where(table.c.id == sa.bindparam("key")).values(c0=sa.bindparam("new"))
    given = [{"key": row["id"], "new": "another"} for row in rows]

    def update() -> None:
        with engine.begin() as connection:
            connection.execute(statement, given)

    return update


_WORKS: dict[str, Callable[..., Callable[[], object]]] = {
    "Core bulk insert": _core_insert,
    "Core select": _core_select,
    "Core update of one column by key": _core_update,
}
