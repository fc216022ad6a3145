# ruff: noqa: RUF012  (mapper arguments are read once)
"""Inheritance: each class writes and reads the pairs of all its tables."""

from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, inspect, select
from sqlalchemy.ext.declarative import AbstractConcreteBase, ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, with_polymorphic

from sqlalchemy_envelope import EncryptedText, UnsupportedStatementError

from .conftest import SECRET


class Base(DeclarativeBase):
    """Three hierarchies, one of each kind."""


class Staff(Base):
    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(EncryptedText())
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "staff"}


class Doctor(Staff):
    __tablename__ = "doctor"
    id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    licence: Mapped[str | None] = mapped_column(EncryptedText(), default="none yet")
    __mapper_args__ = {"polymorphic_identity": "doctor", "polymorphic_load": "inline"}


class Surgeon(Doctor):
    __tablename__ = "surgeon"
    id: Mapped[int] = mapped_column(ForeignKey("doctor.id"), primary_key=True)
    scalpel: Mapped[str | None] = mapped_column(EncryptedText())
    __mapper_args__ = {"polymorphic_identity": "surgeon", "polymorphic_load": "selectin"}


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Cat(Animal):
    chip: Mapped[str | None] = mapped_column(EncryptedText())
    __mapper_args__ = {"polymorphic_identity": "cat"}


class Dog(Animal):
    chip: Mapped[str | None] = mapped_column(EncryptedText(), use_existing_column=True)
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Room(ConcreteBase, Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    __mapper_args__: Any = {"polymorphic_identity": "room", "concrete": True}


class Vault(Room):
    __tablename__ = "vault"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(EncryptedText())
    __mapper_args__: Any = {"polymorphic_identity": "vault", "concrete": True}


@pytest.fixture
def session(attached: Engine) -> Any:
    """A session on the tables."""
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        yield session


def test_joined_tables_have_a_pair_each(session: Session) -> None:
    """Written, changed and read together, however the classes are loaded."""
    session.add_all([Staff(name="a"), Doctor(name="b", licence="1"), Surgeon(name="c", scalpel="2")])
    session.commit()
    everyone = session.scalars(select(Staff).order_by(Staff.id)).all()
    assert [each.name for each in everyone] == ["a", "b", "c"]
    surgeon = everyone[2]
    assert isinstance(surgeon, Surgeon)
    assert (surgeon.licence, surgeon.scalpel) == ("none yet", "2")
    surgeon.scalpel, surgeon.name = "3", "d"
    session.commit()
    for query in (select(Surgeon), select(with_polymorphic(Staff, "*")).order_by(Staff.id.desc()).limit(1)):
        session.expunge_all()
        found: Any = session.scalars(query).one()
        assert (found.name, found.licence, found.scalpel) == ("d", "none yet", "3")


def test_a_joined_default_is_on_the_object_after_the_flush(session: Session) -> None:
    """Without another SELECT."""
    doctor = Surgeon(name="a")
    session.add(doctor)
    session.flush()
    assert vars(doctor)["licence"] == "none yet"


def test_a_single_table_holds_the_pairs_of_all_its_classes(session: Session) -> None:
    """Added to the table late, as each class is declared; two classes may share one."""
    assert inspect(Animal).columns.keys() == ["id", "kind"]
    assert inspect(Cat).columns.keys() == inspect(Dog).columns.keys() == ["id", "kind", "chip"]
    assert Animal.__table__.c.keys() == ["id", "kind", "chip", "chip_dek"]
    session.add_all([Animal(), Cat(chip=SECRET), Dog(chip="2")])
    session.commit()
    assert session.scalars(select(Cat.chip)).all() == [SECRET]
    found = session.scalars(select(with_polymorphic(Animal, [Cat, Dog])).order_by(Animal.id)).all()
    assert [getattr(each, "chip", None) for each in found] == [None, SECRET, "2"]


def test_a_concrete_table_has_its_own_pair(session: Session) -> None:
    """Where one class alone has the column, the polymorphic query reads it too."""
    session.add_all([Room(), Vault(code=SECRET)])
    session.commit()
    assert session.scalars(select(Vault)).one().code == SECRET
    session.expunge_all()
    found = session.scalars(select(Room)).all()
    assert sorted(getattr(each, "code", "") for each in found) == ["", SECRET]


def test_a_polymorphic_query_over_concrete_tables_with_their_own_contexts_is_refused(
    attached: Engine,
) -> None:
    """Its UNION ALL would mix two contexts in one column; each class alone is read."""

    class Other(DeclarativeBase):
        pass

    class Account(AbstractConcreteBase, Other):
        strict_attrs = True
        iban: Mapped[str] = mapped_column(EncryptedText())

    class Savings(Account):
        __tablename__ = "savings"
        id: Mapped[int] = mapped_column(primary_key=True)
        iban: Mapped[str] = mapped_column(EncryptedText())
        __mapper_args__: Any = {"polymorphic_identity": "savings", "concrete": True}

    class Giro(Account):
        __tablename__ = "giro"
        id: Mapped[int] = mapped_column(primary_key=True)
        iban: Mapped[str] = mapped_column(EncryptedText())
        __mapper_args__: Any = {"polymorphic_identity": "giro", "concrete": True}

    Other.metadata.create_all(attached)
    with Session(attached) as session:
        session.add_all([Savings(iban="1"), Giro(iban="2")])
        session.commit()
        with pytest.raises(UnsupportedStatementError, match="UNION ALL would mix it"):
            session.scalars(select(Account)).all()
        assert session.scalars(select(Savings.iban)).all() == ["1"]
        assert session.scalars(select(Giro.iban)).all() == ["2"]
