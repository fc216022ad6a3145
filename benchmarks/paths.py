"""What is counted, an instruction at a time (`counts`): primitives, and statements of one row or of many."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import orm

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach
from sqlalchemy_envelope.codec import decode_text
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.sealing import ToSeal

from . import bare, blind
from .models import Ours, Plain
from .peers import TEXT

Work = Callable[[], object]


def _seal(envelope: Envelope, count: int) -> Work:
    return lambda: envelope.seal_columns([ToSeal(bare.CONTEXT, [bare.VALUE] * count)])


def _open(envelope: Envelope, count: int) -> Work:
    column = envelope.seal_columns([ToSeal(bare.CONTEXT, [bare.VALUE] * count)])[0]
    pairs = [
        (dek or b"") + (content or b"") for dek, content in zip(column.deks, column.contents, strict=True)
    ]
    read = envelope.opener(Reading(bare.CONTEXT)).reader(decode_text)
    return lambda: [read(pair) for pair in pairs]


def _bare_open(count: int) -> Work:
    sealed = bare.sealed(count)
    return lambda: bare.open_all(sealed)


def _each(call: Work) -> Callable[[Envelope, int], Work]:
    """One call of a library a row, and a few hundred instructions of the loop around it."""
    return lambda _, count: lambda: [call() for _ in range(count)]


_AES = AESGCM(bytes(range(32)))
_NONCE, _KEY, _HEAD = bytes(12), bytes(range(32)), bytes(21)

PRIMITIVES: dict[str, Callable[[Envelope, int], Work]] = {
    "random bytes, 60": _each(lambda: os.urandom(60)),
    "wrap a data key": _each(lambda: _AES.encrypt(_NONCE, _KEY, _HEAD)),
    "SHA-512 of one block": _each(lambda: hashlib.sha512(bytes(108)).digest()),
    "AES-256-GCM key schedule": _each(lambda: AESGCM(_KEY)),
    "encrypt 36 bytes": _each(lambda: _AES.encrypt(_NONCE, bare.VALUE, _HEAD)),
    "bare seal": lambda _, count: lambda: bare.seal(count),
    "seal in a batch": _seal,
    "bare open": lambda _, count: _bare_open(count),
    "read a pair as text": _open,
}
LIBRARY_CALLS = ("wrap a data key", "SHA-512 of one block", "AES-256-GCM key schedule", "encrypt 36 bytes")
"""What a seal can't do without, nor an open, which turns the first and the last around."""


def _row(variant: str, number: int) -> dict[str, Any]:
    model = VARIANTS[variant]
    if model is Plain:
        row = {"id": number, "ssn": os.urandom(104), "ssn_dek": os.urandom(81)}
    else:
        row = {"id": number, "ssn": TEXT if model is Ours else f"{number:09d} and up to thirty-six bytes"}
    return {**dict.fromkeys(row), "id": number} if "NULL" in variant else row


def _bulk_insert(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {model.__tablename__}"))
            connection.execute(sa.insert(model.__table__), rows)

    return insert


def _insert_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {model.__tablename__}"))
            for row in rows:
                connection.execute(sa.insert(model.__table__), row)

    return insert


def _update_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()
    statement = sa.update(model.__table__).where(model.__table__.c.id == sa.bindparam("number"))
    given = [{"number": row["id"], **{key: row[key] for key in row if key != "id"}} for row in rows]

    def update() -> None:
        with engine.begin() as connection:
            for row in given:
                connection.execute(statement, row)

    return update


def _flush_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def flush() -> None:
        with orm.Session(engine) as session:
            session.execute(sa.text(f"truncate {model.__tablename__}"))
            for row in rows:
                session.add(model(**row))
                session.flush()
            session.commit()

    return flush


def _flush(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    def flush() -> None:
        with orm.Session(engine) as session:
            session.execute(sa.text(f"truncate {model.__tablename__}"))
            session.add_all([model(**row) for row in rows])
            session.commit()

    return flush


def _select(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def select() -> None:
        with engine.connect() as connection:
            connection.execute(sa.select(model.__table__)).all()

    return select


def _load(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def load() -> None:
        with orm.Session(engine) as session:
            session.scalars(sa.select(model)).all()

    return load


def _select_singly(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()
    statement = sa.select(model.__table__).where(model.id == sa.bindparam("number"))

    def select() -> None:
        with engine.connect() as connection:
            for row in rows:
                connection.execute(statement, {"number": row["id"]}).all()

    return select


def _get(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def get() -> None:
        with orm.Session(engine) as session:
            for row in rows:
                session.get(model, row["id"])

    return get


def _look_up(engine: sa.Engine, model: Any, rows: list[dict[str, Any]]) -> Work:
    _bulk_insert(engine, model, rows)()

    def look_up() -> None:
        with engine.connect() as connection:
            for row in rows:
                connection.execute(sa.select(model.id).where(model.ssn == row["ssn"])).one()

    return look_up


VARIANTS: dict[str, Any] = {
    "encrypted": Ours,
    "bytea": Plain,
    "bytea, not attached": Plain,
    "encrypted, NULL": Ours,
    "bytea, NULL": Plain,
    "blind index": blind.Indexed,
    "indexed text": blind.Text,
    "indexed text, not attached": blind.Text,
}
_AT_ONCE = ("encrypted", "bytea")
"""Where many rows share what a statement costs, whether an envelope is attached does not count."""
_NULLS = ("encrypted, NULL", "bytea, NULL")
_SINGLY = (*_AT_ONCE, "bytea, not attached")
_BY_VALUE = ("blind index", "indexed text", "indexed text, not attached")
STATEMENTS: dict[str, tuple[Callable[[sa.Engine, Any, list[dict[str, Any]]], Work], tuple[str, ...]]] = {
    "Core bulk insert": (_bulk_insert, (*_AT_ONCE, *_NULLS, "blind index")),
    "ORM add_all": (_flush, (*_AT_ONCE, *_NULLS)),
    "Core select": (_select, (*_AT_ONCE, *_NULLS)),
    "ORM select": (_load, (*_AT_ONCE, *_NULLS)),
    "Core insert, one at a time": (_insert_singly, _SINGLY),
    "Core update, one at a time": (_update_singly, _SINGLY),
    "ORM flush, one at a time": (_flush_singly, _SINGLY),
    "Core select by key": (_select_singly, _SINGLY),
    "ORM get": (_get, _SINGLY),
    "Core select by value": (_look_up, _BY_VALUE),
}


@contextmanager
def prepared(path: str, count: int, url: str) -> Iterator[Work]:
    """One path of `count` rows, with its tables made."""
    name, _, variant = path.partition(": ")
    envelope = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))
    if name in PRIMITIVES:
        yield PRIMITIVES[name](envelope, count)
        return
    engine, model = sa.create_engine(url, poolclass=sa.StaticPool), VARIANTS[variant]
    if "not attached" not in variant:
        attach(engine, envelope)
    try:
        model.metadata.drop_all(engine, tables=[model.__table__])
        model.metadata.create_all(engine, tables=[model.__table__])
        yield STATEMENTS[name][0](engine, model, [_row(variant, number) for number in range(count)])
    finally:
        engine.dispose()


def every_path() -> list[str]:
    """The names of all that is counted."""
    each = (f"{name}: {variant}" for name, (_, variants) in STATEMENTS.items() for variant in variants)
    return [*PRIMITIVES, *each]
