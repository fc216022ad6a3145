"""Defaults made in Python are sealed like any other value, and on the object after its flush."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, null, select
from sqlalchemy import __version__ as sqlalchemy_version
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from sqlalchemy_envelope import EncryptedBytes, EncryptedText, Envelope, attach


class Base(DeclarativeBase):
    """A model of defaults."""


class Made:
    """A callable object without arguments."""

    def __call__(self) -> str:
        return "object"


class Defaults(Base):
    __tablename__ = "defaults"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str | None] = mapped_column(server_default=func.now())
    note: Mapped[str | None]
    scalar: Mapped[str | None] = mapped_column(EncryptedText(), default="scalar")
    empty: Mapped[str] = mapped_column(EncryptedText(), default="")
    function: Mapped[str] = mapped_column(EncryptedText(), default=lambda: "function")
    called: Mapped[str] = mapped_column("called_", EncryptedText(), default=Made())
    built: Mapped[str] = mapped_column(EncryptedText(), insert_default=str)
    raw: Mapped[bytes] = mapped_column(EncryptedBytes(), default=b"raw")
    without: Mapped[str | None] = mapped_column(EncryptedText())


ALL = ("scalar", "", "function", "object", "", b"raw", None)
NAMES = ("scalar", "empty", "function", "called", "built", "raw", "without")
COLUMNS = tuple(getattr(Defaults, name) for name in NAMES)


@pytest.fixture
def session(attached: Engine) -> Any:
    """A session on the table."""
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        yield session


def values_of(found: Defaults) -> tuple[Any, ...]:
    """What the object holds, without loading anything."""
    return tuple(vars(found).get(name) for name in NAMES)


def test_a_flush_leaves_them_on_the_object(session: Session) -> None:
    """Without a SELECT, and as they are stored."""
    found = Defaults(note="n")
    session.add(found)
    sent: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: sent.append(given[2]))
    session.flush()
    assert values_of(found) == ALL
    assert len(sent) == 1
    session.expire_all()
    assert session.execute(select(*COLUMNS)).one() == ALL


def test_none_takes_the_default_and_null_does_not(session: Session) -> None:
    """As SQLAlchemy has it for other columns."""
    taking, refusing = Defaults(scalar=None), Defaults(scalar=null())
    session.add_all([taking, refusing])
    session.flush()
    assert taking.scalar == "scalar"
    session.commit()
    assert (taking.scalar, refusing.scalar) == ("scalar", None)


def test_a_given_value_wins(session: Session) -> None:
    """Also an empty one."""
    session.add(Defaults(scalar="", function="mine"))
    session.commit()
    assert session.execute(select(Defaults.scalar, Defaults.function)).one() == ("", "mine")


@pytest.mark.parametrize("how", ["one", "many", "values", "rows", "bulk", "returning"])
def test_an_insert_takes_them(session: Session, how: str) -> None:
    """Core and ORM, one row and many."""
    table: Any = Defaults.__table__
    rows = [{"note": "1"}, {"note": "2"}]
    writes: dict[str, Any] = {
        "one": lambda: session.execute(insert(table), rows[0]),
        "many": lambda: session.execute(insert(table), rows),
        "values": lambda: session.execute(insert(table).values(note="1")),
        "rows": lambda: session.execute(insert(table).values(rows)),
        "bulk": lambda: session.execute(insert(Defaults), rows),
        "returning": lambda: session.scalars(insert(Defaults).returning(Defaults), rows).all(),
    }
    writes[how]()
    found = session.execute(select(*COLUMNS)).all()
    assert found == [ALL] * (1 if how in ("one", "values") else 2)
    assert session.scalars(select(Defaults.at)).first() is not None


def test_each_row_calls_its_function(attached: Engine) -> None:
    """Once for each, in one statement."""
    numbers = iter("123456")

    class Other(DeclarativeBase):
        pass

    class Counted(Other):
        __tablename__ = "counted"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[str] = mapped_column(EncryptedText(), default=lambda: next(numbers))

    Other.metadata.create_all(attached)
    with Session(attached) as session:
        session.execute(insert(Counted), [{}, {}])
        session.execute(insert(Counted).values([{"id": 10}, {"id": 11}]))
        session.add_all([Counted(id=20), Counted(id=21)])
        session.commit()
        assert session.scalars(select(Counted.number).order_by(Counted.id)).all() == list("123456")


async def test_an_async_flush_leaves_them_on_the_object(
    async_engine: AsyncEngine, envelope: Envelope
) -> None:
    """Where a SELECT in between would be an error."""
    attach(async_engine, envelope)
    async with async_engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        found = Defaults()
        session.add(found)
        await session.commit()
        assert values_of(found) == ALL
        await session.refresh(found)
        assert values_of(found) == ALL


def test_a_dataclass_has_them_too(attached: Engine) -> None:
    """`default` and `default_factory` in Python, `insert_default` when it is stored."""

    class Data(MappedAsDataclass, DeclarativeBase):
        pass

    class Person(Data):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        a: Mapped[str] = mapped_column(EncryptedText(), default="a")
        b: Mapped[str] = mapped_column(EncryptedText(), default_factory=lambda: "b")
        c: Mapped[str] = mapped_column(EncryptedText(), insert_default=lambda: "c", init=False)

    assert (Person().a, Person().b) == ("a", "b")
    Data.metadata.create_all(attached)
    with Session(attached) as session:
        person = Person()
        session.add(person)
        session.flush()
        assert (person.a, person.b, vars(person)["c"]) == ("a", "b", "c")
        session.commit()
        assert session.execute(select(Person.a, Person.b, Person.c)).one() == ("a", "b", "c")


@pytest.mark.skipif(sqlalchemy_version.startswith("2.1"), reason="SQLAlchemy 2.1 refuses both together")
def test_a_dataclass_may_store_another_default(attached: Engine) -> None:
    """None in Python, `insert_default` when it is stored."""

    class Data(MappedAsDataclass, DeclarativeBase):
        pass

    class Person(Data):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        a: Mapped[str | None] = mapped_column(EncryptedText(), default=None, insert_default="stored")

    Data.metadata.create_all(attached)
    with Session(attached) as session:
        person = Person()
        session.add(person)
        session.flush()
        assert person.a == "stored"
