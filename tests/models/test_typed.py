"""Encrypted columns of every type: whole ranges come back, 0 is a value, what would be changed is refused."""

import datetime as dt
import enum
import pickle
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, find, settings
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, Engine, MetaData, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import sqlalchemy_envelope as se
from sqlalchemy_envelope import ConfigurationError, DecryptionError, Encrypted, InvalidValueError, attach

from .conftest import patient
from .typed import TYPES, Mood, tried

CANARY = "canary-4111"


@pytest.mark.parametrize("kind", TYPES)
def test_values_come_back_from_a_real_server(attached: Engine, kind: str) -> None:
    """Equal, of the same type, with scale and offset; many more by `python -m tests.models.typed`."""
    examples, failures = tried(attached, kind, 30)
    assert examples >= 30
    assert failures == 0


FALSE: dict[str, Any] = {
    "boolean": False,
    "text": "",
    "bytes": b"",
    "integer": 0,
    "small_integer": 0,
    "big_integer": 0,
    "decorated": 0,
    "numeric": Decimal(0),
    "money": Decimal(0),
    "float": 0.0,
    "interval": dt.timedelta(),
    "array": [],
    "json": {},
}


@pytest.mark.parametrize("kind", TYPES)
def test_null_and_the_values_that_are_false_in_python(attached: Engine, kind: str) -> None:
    """NULL stays NULL; 0, False, '' and an empty list do not become one."""
    table = patient(Column("v", TYPES[kind][0]))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table).values(id=1, v=sa.null()))
        assert connection.execute(select(table.c.v)).scalars().all() == [None]
        assert connection.scalar(select(table.c.id).where(table.c.v.is_(None))) == 1
        if kind in FALSE:
            connection.execute(insert(table), {"id": 2, "v": FALSE[kind]})
            assert connection.scalar(select(table.c.v).where(table.c.id == 2)) == FALSE[kind]
            assert connection.scalar(select(table.c.v.is_(None)).where(table.c.id == 2)) is False


class Renamed(enum.Enum):
    """A class of the same name with a member fewer."""

    HAPPY = 1


REFUSED: list[tuple[Any, Any]] = [
    (se.EncryptedBoolean(), 1),
    (se.EncryptedInteger(), 2**31),
    (se.EncryptedInteger(), True),
    (se.EncryptedInteger(), "5"),
    (se.EncryptedSmallInteger(), -(2**15) - 1),
    (se.EncryptedBigInteger(), 2**63),
    (se.EncryptedNumeric(4, 2), Decimal("100.00")),
    (se.EncryptedNumeric(4, 2), Decimal("1.005")),
    (se.EncryptedNumeric(), 1.5),
    (se.EncryptedFloat(), "1"),
    (se.EncryptedDate(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (se.EncryptedDateTime(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (se.EncryptedDateTime(timezone=True), dt.datetime(2026, 1, 1)),  # noqa: DTZ001
    (se.EncryptedTime(), dt.time(tzinfo=dt.UTC)),
    (se.EncryptedUUID(), CANARY),
    (Encrypted(sa.Uuid(as_uuid=False)), CANARY),
    (se.EncryptedEnum(Mood), Renamed.HAPPY),
    (se.EncryptedEnum(Mood), "HAPPY"),
    (Encrypted(sa.Enum("a", "b")), CANARY),
    (Encrypted(sa.String(5)), CANARY),
    (se.EncryptedJSON(), {"a": {CANARY}}),
    (se.EncryptedJSON(), float("nan")),
    (se.EncryptedArray(sa.Integer()), [CANARY]),
    (se.EncryptedArray(sa.Integer()), 5),
]


@pytest.mark.parametrize(("type_", "value"), REFUSED, ids=repr)
def test_a_value_that_the_column_would_change_is_refused(attached: Engine, type_: Any, value: Any) -> None:
    """Before anything is sent, by its place and never by itself."""
    table = patient(Column("v", type_))
    with attached.connect() as connection, pytest.raises(InvalidValueError, match=r"^patient\.v ") as caught:
        connection.execute(insert(table), {"v": value})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "model"])
def test_types_copy_and_pickle_with_their_table(kind: str) -> None:
    """`to_metadata`, and a table kept in a file; to SQLAlchemy's cache of statements they are the same."""
    table = patient(Column("v", TYPES[kind][0]))
    other: Any
    for other in (table.to_metadata(MetaData()), pickle.loads(pickle.dumps(table))):
        assert other.c.v.type.codec.tag == TYPES[kind][0].codec.tag
        assert other.c.v.type._static_cache_key == table.c.v.type._static_cache_key
        assert repr(other.c.v.type) == repr(table.c.v.type)


async def test_types_on_asynchronous_engines(async_engine: AsyncEngine, envelope: se.Envelope) -> None:
    """One row with every type, on each driver."""
    attach(async_engine, envelope)
    table = patient(*(Column(kind, type_.copy()) for kind, (type_, _) in TYPES.items()))
    once = settings(phases=[Phase.generate], database=None)
    given = {kind: find(values, lambda _: True, settings=once) for kind, (_, values) in TYPES.items()}
    async with async_engine.begin() as connection:
        await connection.run_sync(table.create)
        await connection.execute(insert(table), given)
        row = (await connection.execute(select(table))).mappings().one()
    assert {kind: row[kind] for kind in given} == given


def test_a_scale_is_padded_and_kept(attached: Engine) -> None:
    """As a numeric(6,2) has it; a numeric without scale keeps each value's own."""
    table = patient(Column("fixed", se.EncryptedNumeric(6, 2)), Column("free", se.EncryptedNumeric()))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), {"fixed": Decimal("1.5"), "free": Decimal("1.500")})
        connection.execute(insert(table), {"fixed": 7, "free": Decimal("1E+2")})
        rows = connection.execute(select(table.c.fixed, table.c.free).order_by(table.c.id)).all()
    assert [tuple(map(str, row)) for row in rows] == [("1.50", "1.500"), ("7.00", "100")]


def test_a_renamed_member_does_not_open(attached: Engine) -> None:
    """It is stored by name, so it can't turn into another one."""
    table = patient(Column("mood", se.EncryptedEnum(Mood)))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), {"mood": Mood.SAD})
        later = patient(Column("mood", se.EncryptedEnum(Renamed)), metadata=MetaData())
        with pytest.raises(DecryptionError, match=r"patient\.mood.*another type"):
            connection.execute(select(later.c.mood)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Encrypted(sa.types.NullType()),
        lambda: Encrypted(se.EncryptedText()),
        lambda: Encrypted(sa.Integer(), adapter=TypeAdapter(int)),
        lambda: Encrypted(sa.JSON(), adapter=object()),  # type: ignore[arg-type]
        lambda: Encrypted(sa.Integer(), accept=se.Version.V1),
        lambda: Encrypted(sa.Enum(Mood, values_callable=lambda _: ["1", "2"])),
    ],
)
def test_what_has_no_codec_is_refused_where_it_is_declared(make: Any) -> None:
    """With what to do instead."""
    with pytest.raises(ConfigurationError):
        make()


class Base(DeclarativeBase):
    """Mapped classes of this file, with a type by annotation."""

    type_annotation_map = {dt.date: se.EncryptedDate(), Decimal: se.EncryptedNumeric(10, 2)}  # noqa: RUF012


@dataclass
class Point:
    """A value object."""

    x: int
    y: int


class Contact(BaseModel):
    """A model that prints its input when it finds it wrong."""

    email: str


class Customer(Base):
    """Typed by annotation."""

    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    born: Mapped[dt.date | None]
    balance: Mapped[Decimal]
    settings: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(se.EncryptedJSON()))
    notes: Mapped[list[Any] | None] = mapped_column(MutableList.as_mutable(se.EncryptedJSON()))
    home: Mapped[Point | None] = mapped_column(se.EncryptedJSON(se.DataclassAdapter(Point)))
    contact: Mapped[Contact | None] = mapped_column(se.EncryptedJSON(TypeAdapter(Contact)))


def test_annotations_mutables_and_adapters(attached: Engine) -> None:
    """A change inside a dict or list is noticed and sealed anew."""
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        customer = Customer(born=dt.date(1990, 2, 3), balance=Decimal(5), settings={"a": 1}, notes=[1])
        customer.home, customer.contact = Point(1, 2), Contact(email="a@example.org")
        session.add(customer)
        session.commit()
        assert customer.settings is not None
        assert customer.notes is not None
        customer.settings["a"] = 2
        customer.notes.append(2)
        session.commit()
        session.expire_all()
        assert (customer.born, str(customer.balance)) == (dt.date(1990, 2, 3), "5.00")
        assert (customer.settings, customer.notes) == ({"a": 2}, [1, 2])
        assert (customer.home, customer.contact) == (Point(1, 2), Contact(email="a@example.org"))


def test_an_adapter_that_fails_prints_nothing(attached: Engine) -> None:
    """Neither a value that it takes for none of its own, nor one that no longer fits."""
    Base.metadata.create_all(attached)
    table: Any = Customer.__table__
    with attached.begin() as connection:
        with pytest.raises(InvalidValueError, match=r"^customer\.home holds a str") as caught:
            connection.execute(insert(table), {"balance": Decimal(1), "home": CANARY})
        connection.execute(insert(table), {"balance": Decimal(1), "contact": Contact(email=CANARY)})
        wrong = se.EncryptedJSON(TypeAdapter(list[int]))
        other = patient(Column("contact", wrong), name="customer")
        with pytest.raises(DecryptionError, match=r"customer\.contact") as opened:
            connection.execute(select(other.c.contact)).all()
    for error in (caught.value, opened.value):
        assert CANARY not in str(error)
        assert error.__context__ is None or CANARY not in str(error.__context__)


def test_none_in_json_is_json_null_as_sqlalchemy_has_it(attached: Engine) -> None:
    """Beside a plain JSON column: None, JSON.NULL, null(), and nothing at all; and with none_as_null."""

    class Other(DeclarativeBase):
        pass

    class Doc(Other):
        __tablename__ = "doc"
        id: Mapped[int] = mapped_column(primary_key=True)
        plain: Mapped[Any] = mapped_column(sa.JSON(), nullable=True)
        sealed: Mapped[Any] = mapped_column(se.EncryptedJSON(), nullable=True)
        plain_none: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
        sealed_none: Mapped[Any] = mapped_column(se.EncryptedJSON(none_as_null=True), nullable=True)

    Other.metadata.create_all(attached)
    given: list[Any] = [None, sa.JSON.NULL, sa.null(), {"a": None}, 0]
    names = ("plain", "sealed", "plain_none", "sealed_none")
    with Session(attached) as session:
        session.add_all(Doc(**dict.fromkeys(names, value)) for value in given)
        session.add(Doc())
        session.flush()
        for value in given:
            session.execute(insert(Doc).values(dict.fromkeys(names, value)))
            session.execute(insert(Doc.__table__), [dict.fromkeys(names, value)])  # type: ignore[arg-type]
        session.commit()
        for plain, sealed in ((Doc.plain, Doc.sealed), (Doc.plain_none, Doc.sealed_none)):
            rows = session.execute(
                select(plain, sealed, plain.is_(sa.null()), sealed.is_(None)).order_by(Doc.id)
            ).all()
            assert [row[0] for row in rows] == [row[1] for row in rows]
            assert [row[2] for row in rows] == [row[3] for row in rows]
