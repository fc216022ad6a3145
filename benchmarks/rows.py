"""20,000 rows written and read: an encrypted column, bytea columns of the same size, and sqlalchemy-utils."""

import os
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, attach

from .figures import Report
from .measure import Work, collecting, medians
from .peers import KEY

Base = orm.declarative_base()
AIMS = {
    "Core bulk insert": (1.4, 0.9),
    "ORM add_all": (1.6, 0.9),
    "Core select": (1.4, 0.5),
    "ORM select": (1.6, 0.65),
}


class Ours(Base):  # type: ignore[misc, valid-type]
    """One encrypted column."""

    __tablename__ = "ours"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(EncryptedText())


class Plain(Base):  # type: ignore[misc, valid-type]
    """Two columns of the very sizes that an encrypted one has, without any encryption."""

    __tablename__ = "plain"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn = sa.Column(sa.LargeBinary)
    ssn_dek = sa.Column(sa.LargeBinary)


def _theirs() -> Any:
    try:
        from sqlalchemy_utils import StringEncryptedType
        from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine
    except ImportError:
        return None

    class Theirs(Base):  # type: ignore[misc, valid-type]
        __tablename__ = "theirs"
        id = sa.Column(sa.Integer, primary_key=True)
        ssn = sa.Column(StringEncryptedType(sa.Text, KEY, AesGcmEngine))

    return Theirs


def run(report: Report, engine: sa.Engine, bare_seal: float, bare_open: float) -> None:
    """The suite, on an engine that this attaches. `bare_…`: microseconds, from the suite `seal`."""
    count, rounds = (50, 1) if report.quick else (20_000, 11)
    report.suite("rows", f"{count:,} rows, median of {rounds} rounds, variants in turn, PostgreSQL beside")
    envelope = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))
    attach(engine, envelope)
    texts = [f"{n:09d} and up to thirty-six bytes" for n in range(count)]
    dek, content = (len(cell or b"") for cell in envelope.seal_many(texts[:1], "ours.ssn")[0])
    report.note(f"a value of {len(texts[0])} bytes, cells of {dek} and {content} bytes")
    rows: dict[Any, list[dict[str, Any]]] = {
        Ours: [{"id": n, "ssn": text} for n, text in enumerate(texts)],
        Plain: [{"id": n, "ssn": os.urandom(content), "ssn_dek": os.urandom(dek)} for n in range(count)],
    }
    if (theirs := _theirs()) is not None:
        rows[theirs] = rows[Ours]
    else:
        report.note("sqlalchemy-utils: not installed")
    Base.metadata.create_all(engine)
    for name, work in _WORKS.items():
        works = {model.__name__: work(engine, model, given) for model, given in rows.items()}
        empty = _emptied(engine, name, rows)
        times = medians(works, count, rounds, empty)
        _tell(report, name, times, bare_seal if "select" not in name else bare_open)
        _tell_collector(report, name, times, collecting(works, count, 3, empty))


def _tell(report: Report, name: str, times: dict[str, float], unit: float) -> None:
    extra, total = AIMS[name]
    report.add(f"{name}: bytea of the same size", times["Plain"], "µs a row")
    report.add(f"{name}: encrypted", times["Ours"], "µs a row")
    report.add(f"{name}: extra, in bare primitives", (times["Ours"] - times["Plain"]) / unit, "×", extra)
    if "Theirs" in times:
        report.add(f"{name}: sqlalchemy-utils", times["Theirs"], "µs a row")
        report.add(f"{name}: against sqlalchemy-utils", times["Ours"] / times["Theirs"], "×", total)
        floor = (times["Plain"] + unit) / times["Theirs"]
        report.add(f"{name}: bytea and one bare primitive, against sqlalchemy-utils", floor, "×")


def _tell_collector(report: Report, name: str, times: dict[str, float], lost: dict[str, float]) -> None:
    report.add(f"{name}: of which Python's collector, bytea", lost["Plain"], "µs a row")
    report.add(f"{name}: of which Python's collector, encrypted", lost["Ours"], "µs a row")
    if "Theirs" in times:
        left = {model: times[model] - lost[model] for model in times}
        against = left["Ours"] / left["Theirs"]
        report.add(f"{name}: less the collector, against sqlalchemy-utils", against, "×")


def _emptied(engine: sa.Engine, name: str, rows: dict[Any, Any]) -> Work:
    """Writes begin on empty tables; reads leave alone what was written last."""
    if "select" in name:
        return lambda: None

    def empty() -> None:
        with engine.begin() as connection:
            for model in rows:
                connection.execute(sa.text(f"truncate {model.__tablename__}"))

    return empty


def _core_insert(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _orm_insert(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    def insert() -> None:
        with orm.Session(engine) as session:
            session.add_all([model(**row) for row in rows])
            session.commit()

    return insert


def _filled(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {model.__tablename__}"))
        connection.execute(sa.insert(model.__table__), rows)


def _core_select(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    _filled(engine, model, rows)

    def select() -> int:
        with engine.connect() as connection:
            return len(connection.execute(sa.select(model.__table__)).all())

    return select


def _orm_select(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Callable[[], object]:
    _filled(engine, model, rows)

    def select() -> int:
        with orm.Session(engine) as session:
            return len(session.scalars(sa.select(model)).all())

    return select


_WORKS = {
    "Core bulk insert": _core_insert,
    "ORM add_all": _orm_insert,
    "Core select": _core_select,
    "ORM select": _orm_select,
}
