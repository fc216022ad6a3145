"""Mapping: names that differ, late attributes, synonyms, deferred columns, composites."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, inspect, select, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    composite,
    deferred,
    mapped_column,
    registry,
    synonym,
    undefer,
)

from sqlalchemy_envelope import EncryptedText, UnsupportedStatementError

from .conftest import SECRET


class Thing:
    """What is mapped imperatively."""

    def __init__(self, **given: Any) -> None:
        for name, value in given.items():
            setattr(self, name, value)


def test_an_imperative_mapping_keeps_the_sibling_out(attached: Engine) -> None:
    """With a prefix, and an attribute, a key and a name that are three different words."""
    mapping = registry()
    number: Any = Column("Social No", EncryptedText(dek="Social Key", context="person.ssn"), key="number")
    table = Table("person", mapping.metadata, Column("id", Integer, primary_key=True), number)

    class Person(Thing):
        pass

    mapping.map_imperatively(
        Person, table, column_prefix="_", properties={"ssn": number, "social": synonym("ssn")}
    )
    assert set(inspect(Person).attrs.keys()) == {"_id", "ssn", "social"}
    mapping.metadata.create_all(attached)
    mapped: Any = Person
    with Session(attached) as session:
        session.add(Person(ssn=SECRET))
        session.commit()
        found = session.scalars(select(mapped)).one()
        assert found.ssn == found.social == SECRET
        for values in ({"ssn": "1"}, {"social": "2"}, {mapped.ssn: "3"}):
            session.execute(update(mapped).values(values))
            session.expire_all()
            assert found.ssn == next(iter(values.values()))
        found.social = "4"
        session.commit()
        assert session.scalars(select(mapped.social)).all() == ["4"]


def test_a_prefix_is_for_the_attribute_alone(attached: Engine) -> None:
    """Flushes write the pair under its columns."""
    mapping = registry()
    table = Table("person", mapping.metadata, Column("id", Integer, primary_key=True))
    table.append_column(Column("ssn", EncryptedText()))

    class Person(Thing):
        pass

    mapping.map_imperatively(Person, table, column_prefix="_")
    mapping.metadata.create_all(attached)
    with Session(attached) as session:
        session.add_all([Person(_ssn=SECRET), Person(_ssn=None)])
        session.commit()
        found: list[Any] = list(session.scalars(select(Person).order_by(table.c.id)))
        assert [each._ssn for each in found] == [SECRET, None]


def test_an_attribute_added_late_brings_its_pair(attached: Engine) -> None:
    """To a class that is mapped and configured, with its default."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)

    inspect(Person)
    late: Any = Person
    late.ssn = mapped_column(EncryptedText())
    late.phone = deferred(mapped_column(EncryptedText(), default="none"))
    assert inspect(Person).columns.keys() == ["id", "ssn", "phone"]
    assert Person.__table__.c.keys() == ["id", "ssn", "ssn_dek", "phone", "phone_dek"]
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        person = Person(ssn=SECRET)
        session.add(person)
        session.flush()
        assert vars(person)["phone"] == "none"
        session.expunge_all()
        assert session.scalars(select(late.ssn)).all() == [SECRET]


def test_a_deferred_column_is_loaded_with_its_pair(attached: Engine) -> None:
    """When it is asked for, or undeferred."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        diary: Mapped[str | None] = mapped_column(EncryptedText(), deferred=True)
        notes: Mapped[str | None] = mapped_column(EncryptedText(), deferred=True, deferred_group="g")

    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Person(diary=SECRET, notes="n"))
        session.commit()
        session.expunge_all()
        found = session.scalars(select(Person)).one()
        assert "diary" not in vars(found)
        assert (found.diary, found.notes) == (SECRET, "n")
        session.expunge_all()
        found = session.scalars(select(Person).options(undefer(Person.diary))).one()
        assert vars(found)["diary"] == SECRET


@dataclass
class Name:
    """A value of two columns."""

    first: str
    last: str


def test_a_composite_of_encrypted_columns_is_flushed_and_loaded(attached: Engine) -> None:
    """And inserted and updated by statements; only comparing it is refused."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[Name] = composite(
            mapped_column("first", EncryptedText()), mapped_column("last", EncryptedText())
        )

    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Person(name=Name("Ada", SECRET)))
        session.commit()
        found = session.scalars(select(Person)).one()
        assert found.name == Name("Ada", SECRET)
        found.name = Name("Ada", "changed")
        session.commit()
        assert session.execute(select(Person.name)).scalar_one() == Name("Ada", "changed")
        session.execute(update(Person).values(name=Name("Bea", "b")))
        session.execute(insert(Person), [{"name": Name("Cid", "c")}, {"name": Name("Dee", "d")}])
        names = session.scalars(select(Person.name).order_by(Person.id)).all()
        assert [name.first for name in names] == ["Bea", "Cid", "Dee"]
        with pytest.raises(UnsupportedStatementError):
            session.execute(select(Person).where(Person.name == Name("Ada", "changed")))


def test_two_bases_in_one_process_are_apart(attached: Engine) -> None:
    """With models of the same name, table and context."""

    def build() -> Any:
        class Base(DeclarativeBase):
            metadata = MetaData()

        class Person(Base):
            __tablename__ = "person"
            id: Mapped[int] = mapped_column(primary_key=True)
            ssn: Mapped[str | None] = mapped_column(EncryptedText())

        return Person

    one, other = build(), build()
    one.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(one(ssn="1"))
        session.flush()
        session.add(other(ssn="2"))
        session.commit()
        for model in (one, other):
            assert session.scalars(select(model.ssn).order_by(model.id)).all() == ["1", "2"]
