"""Plaintext columns that are no text: dates, numbers, documents, in each state of a move."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    DateTime,
    Engine,
    Integer,
    Numeric,
    Text,
    TypeDecorator,
    func,
    insert,
    null,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

import sqlalchemy_envelope as se
from sqlalchemy_envelope import (
    ConfigurationError,
    DecryptionError,
    EncryptedOnly,
    ReadsEncrypted,
    ReadsPlaintext,
)

from .conftest import patient
from .customers import STATES

every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
both = pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted], ids=lambda state: state.__name__)
NOON = dt.datetime(2024, 2, 29, 12, 0, 0, 999_999)  # noqa: DTZ001 - what the clock on the wall says
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))


class Mood(enum.Enum):
    """Stored by name."""

    HAPPY = 1


class Address(BaseModel):
    """A model of the user's own."""

    street: str


class Doubled(TypeDecorator[int]):
    """A type of the user's own."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value * 2

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value // 2


VALUES: dict[str, tuple[Any, Any]] = {
    "boolean": (lambda m: se.EncryptedBoolean(moving=m), False),
    "integer": (lambda m: se.EncryptedBigInteger(moving=m), -(2**63)),
    "numeric": (lambda m: se.EncryptedNumeric(12, 2, moving=m), Decimal("-1120.50")),
    "float": (lambda m: se.EncryptedFloat(moving=m), float("-inf")),
    "date": (lambda m: se.EncryptedDate(moving=m), dt.date(1, 1, 1)),
    "datetime": (lambda m: se.EncryptedDateTime(moving=m), NOON),
    "instant": (
        lambda m: se.EncryptedDateTime(timezone=True, moving=m),
        dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=EAST),
    ),
    "time": (lambda m: se.EncryptedTime(timezone=True, moving=m), dt.time(7, 8, tzinfo=EAST)),
    "interval": (lambda m: se.EncryptedInterval(moving=m), dt.timedelta(-3, 5, 7)),
    "uuid": (lambda m: se.EncryptedUUID(moving=m), UUID(int=7)),
    "enum": (lambda m: se.EncryptedEnum(Mood, moving=m), Mood.HAPPY),
    "json": (lambda m: se.EncryptedJSON(moving=m), {"a": [1, 2.5, None, "é"]}),
    "model": (lambda m: se.EncryptedJSON(TypeAdapter(Address), moving=m), Address(street="Elm")),
    "array": (lambda m: se.EncryptedArray(Date(), moving=m), [[dt.date(2024, 1, 1)], [None]]),
    "words": (lambda m: se.EncryptedArray(Text(), moving=m), ['a "b" \\ {c}', None]),
    "decorated": (lambda m: se.Encrypted(Doubled(), moving=m), 21),
}


@every_state
def test_a_value_comes_back_from_pair_and_plaintext(attached: Engine, state: Any) -> None:
    """Of a moved row, a pending one, and one that is NULL; bare and in an array; of every type."""
    columns = [Column(kind, make(state(f"plain_{kind}"))) for kind, (make, _) in VALUES.items()]
    row: dict[str, Any] = {kind: value for kind, (_, value) in VALUES.items()}
    nothing = {kind: null() if kind == "json" else None for kind in VALUES}
    pairs = ", ".join(f'"{kind}" = null, "{kind}_dek" = null' for kind in VALUES)
    with attached.begin() as connection:
        table = patient(*columns)
        table.create(connection)
        connection.execute(insert(table), [row, row, nothing])
        if state is not EncryptedOnly:
            connection.execute(text(f"update patient set {pairs} where id = 2"))
        for kind, value in row.items():
            v = table.c[kind]
            assert connection.scalars(select(v).order_by(table.c.id)).all() == [value, value, None], kind
            assert connection.scalar(select(func.array_agg(v)).where(table.c.id < 3)) == [value, value]
            kept = connection.scalar(text(f"select count(plain_{kind}) from patient"))
            assert kept == (0 if state is EncryptedOnly else 2)


@both
def test_null_of_json_is_a_value(attached: Engine, state: Any) -> None:
    """In the document, and apart from SQL's, of which the plaintext column knows too."""
    table = patient(Column("v", se.EncryptedJSON(moving=state("plain", JSONB()))))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), [{"v": None}, {"v": null()}])
        assert connection.execute(text("select id from patient where plain = 'null'")).all() == [(1,)]
        connection.execute(text("update patient set v = null, v_dek = null"))
        assert connection.scalars(select(table.c.id).where(table.c.v.is_not(None))).all() == [1]


@both
@pytest.mark.parametrize("plain", ["'infinity'", "'4713-01-01 BC'"])
def test_what_python_has_no_value_for_is_an_error(attached: Engine, state: Any, plain: str) -> None:
    """That names the column, and never the value."""
    table = patient(Column("v", se.EncryptedDate(moving=state("plain"))))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(text(f"insert into patient (plain) values ({plain})"))
        with pytest.raises(DecryptionError, match=r"patient\.v") as raised:
            connection.execute(select(table.c.v)).all()
    assert raised.value.__context__ is None
    assert plain.strip("'") not in str(raised.value)


def test_a_plaintext_column_of_another_type_is_refused() -> None:
    """At declaration."""
    with pytest.raises(ConfigurationError, match="holds datetime, not date"):
        patient(Column("v", se.EncryptedDate(moving=ReadsPlaintext("plain", DateTime()))))
    with pytest.raises(ConfigurationError, match="holds Decimal, not int"):
        patient(Column("plain", Numeric()), Column("v", se.EncryptedInteger(moving=ReadsPlaintext("plain"))))
    with pytest.raises(ConfigurationError, match="can't be read value by value"):
        ReadsPlaintext("plain", ARRAY(JSONB()))
