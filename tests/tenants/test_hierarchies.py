"""Tenants of mapped hierarchies: each table by its own column, whichever class writes the row."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKeyConstraint, Integer, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import EncryptedText, Envelope, attach, tenant

from .conftest import A, B


class Base(DeclarativeBase):
    """The models of these tests."""


class Animal(Base):
    """The tenant is part of its key."""

    __tablename__ = "animal"
    owner: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None] = mapped_column(EncryptedText(tenant="owner"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal", "passive_updates": False}  # noqa: RUF012


class Dog(Animal):
    """A table of its own, with a second tenant that is not loaded with the rest."""

    __tablename__ = "dog"
    owner: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    zone: Mapped[str | None] = mapped_column(deferred=True)
    bark: Mapped[str | None] = mapped_column(EncryptedText(tenant="owner"))
    sniff: Mapped[str | None] = mapped_column(EncryptedText(tenant="zone"))
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner", "id"], ["animal.owner", "animal.id"], deferrable=True, initially="DEFERRED"
        ),
    )
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012


class Cat(Animal):
    """In its parent's table, whose other classes don't know its column."""

    lives: Mapped[str | None] = mapped_column(EncryptedText(tenant="owner"))
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012


class Versioned(Base):
    """With a counter that each UPDATE compares and raises."""

    __tablename__ = "versioned"
    id: Mapped[int] = mapped_column(primary_key=True)
    of: Mapped[str]
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant="of"))
    version = mapped_column(Integer, nullable=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Keyless(Base):
    """Whose table has no primary key: its class says what identifies a row."""

    __table__ = Table(
        "keyless",
        Base.metadata,
        Column("nr", Integer),
        Column("of", Text),
        Column("secret", EncryptedText(tenant="of")),
        Column("other", EncryptedText(tenant="of")),
    )
    __mapper_args__ = {"primary_key": [__table__.c.nr]}  # noqa: RUF012


@pytest.fixture
def session(engine: Engine, envelope: Envelope) -> Session:
    """A session on the tables."""
    Base.metadata.create_all(engine)
    return Session(attach(engine, envelope))


def test_a_hierarchy_keeps_to_its_tenants(session: Session) -> None:
    """Written, changed, and given to others, table by table."""
    with session:
        dog = Dog(owner=A, id=1, zone="z", bark="b", sniff="s", name="n")
        cat = Cat(owner=B, id=2, lives="9", name="c")
        session.add_all([dog, cat])
        session.commit()
        dog.bark, dog.sniff, cat.lives = "b2", "s2", "8"
        session.commit()
        assert (dog.bark, dog.sniff, dog.name, cat.lives, cat.name) == ("b2", "s2", "n", "8", "c")
        dog.zone, dog.owner, cat.owner = "other", B, "third"
        session.commit()
        assert (dog.bark, dog.sniff, dog.name, cat.lives, cat.name) == ("b2", "s2", "n", "8", "c")
        session.execute(update(Dog).where(Dog.owner == B).values(bark="all"))
        with tenant(B):
            session.add(Dog(id=5, zone=B, bark="filled in"))
            session.commit()
        found = session.scalars(select(Dog).order_by(Dog.id)).all()
        assert [(each.owner, each.bark) for each in found] == [(B, "all"), (B, "filled in")]


def test_a_versioned_row_keeps_to_its_tenant(session: Session) -> None:
    """Also where one object replaces another in its row."""
    with session:
        first = Versioned(id=1, of=A, secret="x")
        session.add(first)
        session.commit()
        first.secret = "y"
        session.commit()
        first.of = B
        session.commit()
        assert (first.secret, first.version) == ("y", 3)
        session.delete(first)
        session.add(Versioned(id=1, of=A, secret="z"))
        session.commit()
        assert session.scalars(select(Versioned.secret)).all() == ["z"]


def test_rows_of_a_table_without_a_primary_key_are_told_apart(session: Session) -> None:
    """Each goes on with its own tenant, and takes its own values along."""
    with session:
        owners = ((1, A), (2, B), (3, A))
        rows: list[Any] = [Keyless(nr=n, of=of, secret=f"s{n}", other=f"o{n}") for n, of in owners]
        session.add_all(rows)
        session.commit()
        for row in rows:
            row.secret += "!"
        session.commit()
        rows[1].of = "third"
        session.commit()
        found = [(row.of, row.secret, row.other) for row in rows]
        assert found == [(A, "s1!", "o1"), ("third", "s2!", "o2"), (A, "s3!", "o3")]



async def test_an_asynchronous_session_loads_what_it_needs(
    async_engine: AsyncEngine, envelope: Envelope
) -> None:
    """The deferred tenants of several objects, during a flush."""
    async with attach(async_engine, envelope).begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(async_engine) as session:
        session.add_all([Dog(owner=A, id=n, zone=f"z{n}", bark="b", sniff="s") for n in (1, 2, 3)])
        await session.commit()
        for dog in (await session.scalars(select(Dog).order_by(Dog.id))).all():
            dog.sniff, dog.bark = "s2", "b2"
            if dog.id == 1:
                dog.zone = "new"
        await session.commit()
        assert (await session.scalars(select(Dog.sniff))).all() == ["s2"] * 3
