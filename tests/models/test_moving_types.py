"""Plaintext columns of types of their own: each value is decoded once, whatever it passes through."""

from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Engine,
    Enum,
    LargeBinary,
    String,
    Table,
    TypeDecorator,
    cast,
    func,
    insert,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ENUM

from sqlalchemy_envelope import DecryptionError, EncryptedBytes, EncryptedText, ReadsEncrypted, ReadsPlaintext

from ..fixtures.theirs import encrypted_types
from .conftest import patient
from .customers import SECRET, STATES


class Backwards(TypeDecorator[str]):
    """Stores text from its end, so that decoding twice shows."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value and value[::-1]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value and value[::-1]


class Prefixed(TypeDecorator[str]):
    """Stores text after a letter, put there and taken off by SQL."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindparam: Any) -> ColumnElement[Any]:
        return func.concat("x", bindparam, type_=self)

    def column_expression(self, column: Any) -> ColumnElement[Any]:
        return func.substr(column, 2, type_=self)


class Raw(TypeDecorator[str]):
    """Stores text as bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value and value.encode("utf-16")

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value and value.decode("utf-16")


class Hex(TypeDecorator[bytes]):
    """Stores bytes as text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.hex()

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else bytes.fromhex(value)


def _of_utils() -> Any:
    """sqlalchemy-utils' type."""
    theirs = encrypted_types()
    return theirs.StringEncryptedType(String, "a key of theirs", theirs.AesGcmEngine)


TYPES: dict[str, Any] = {
    "a short string": String(40),
    "an enum": Enum(SECRET, "other", name="word"),
    "the database's enum": ENUM(SECRET, "other", name="word"),
    "decoded in Python": Backwards(),
    "decoded by SQL": Prefixed(),
    "stored as bytes": Raw(),
    "encrypted by sqlalchemy-utils": _of_utils(),
}
every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
both = pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted], ids=lambda state: state.__name__)


def made(engine: Engine, state: Any, what: str) -> Table:
    """A table whose row 1 is moved and row 2 pending, both of them `SECRET`."""
    with engine.begin() as connection:
        table = patient(Column("ssn", EncryptedText(moving=state("plain", TYPES[what]))))
        table.create(connection)
        connection.execute(insert(table), [{"ssn": SECRET}, {"ssn": SECRET}])
        connection.execute(text("update patient set ssn = null, ssn_dek = null where id = 2"))
    return table


@both
@pytest.mark.parametrize("what", TYPES)
def test_a_value_is_decoded_once_on_every_way_out(attached: Engine, state: Any, what: str) -> None:
    """Bare, from a subquery and a CTE, in a CASE, an array, a set operation, beside a typed NULL."""
    table = made(attached, state, what)
    ssn: Any = table.c.ssn
    inner = select(ssn).subquery()
    deep = select(select(inner.c.ssn).cte().c.ssn).subquery()
    nothing = cast(null(), ssn.type)
    statements: list[Any] = [
        select(ssn),
        select(deep.c.ssn),
        select(func.coalesce(nothing, ssn, type_=ssn.type)),
        select(func.unnest(select(func.array_agg(ssn)).scalar_subquery(), type_=ssn.type)),
        select(select(ssn).where(table.c.id == 2).scalar_subquery()).union_all(select(ssn).limit(1)),
        union_all(select(ssn), select(nothing).where(table.c.id == 0)),
    ]
    with attached.begin() as connection:
        for statement in statements:
            assert connection.scalars(statement).all() == [SECRET] * 2, str(statement)
        assert connection.scalar(select(func.array_agg(ssn))) == [SECRET] * 2
        assert connection.scalar(select(cast(null(), ARRAY(ssn.type)))) is None
        made_again = insert(table).values(ssn=SECRET).returning(ssn)
        assert connection.execute(made_again).scalar_one() == SECRET


@every_state
def test_bytes_may_be_stored_as_text(attached: Engine, state: Any) -> None:
    """The types of value and of storage need not agree."""
    table = patient(Column("photo", EncryptedBytes(moving=state("plain", Hex))))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table).values(photo=b"\xed\x03\0"))
        assert connection.scalar(select(table.c.photo)) == b"\xed\x03\0"


@both
def test_what_is_no_value_of_the_column_is_not_handed_out(attached: Engine, state: Any) -> None:
    """Such as bytes, which might be a cell."""
    table = patient(Column("ssn", EncryptedText(moving=state("plain", LargeBinary))))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(text(r"insert into patient (plain) values ('\xec03'::bytea)"))
        with pytest.raises(DecryptionError, match=r"patient\.ssn"):
            connection.execute(select(table.c.ssn)).all()
