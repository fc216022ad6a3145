"""Models whose values are bound to keys of each kind, and an attached engine."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, ForeignKey, Identity, String, Text, UniqueConstraint, event
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import (
    DirectKeyring,
    EncryptedDate,
    EncryptedJSON,
    EncryptedText,
    Envelope,
    Padding,
    StaticKey,
    attach,
)


class Base(DeclarativeBase):
    """The models of these tests."""


class Person(Base):
    """Two bound columns, an unbound one and a plain one, under a serial key of another name."""

    __tablename__ = "person"
    nr: Mapped[int] = mapped_column("id", primary_key=True)
    ssn: Mapped[str | None] = mapped_column(EncryptedText(bind_row=True))
    phone: Mapped[str | None] = mapped_column(EncryptedText(bind_row=True))
    free: Mapped[str | None] = mapped_column(EncryptedText())
    note: Mapped[str | None]
    __table_args__ = (UniqueConstraint("note"),)


class Token(Base):
    """A key that Python makes."""

    __tablename__ = "token"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    secret: Mapped[str | None] = mapped_column(EncryptedText(bind_row=True))


class Entry(Base):
    """A key of two columns, one of which the database makes."""

    __tablename__ = "entry"
    book: Mapped[str] = mapped_column(String(30), primary_key=True)
    nr: Mapped[int] = mapped_column(Identity(), primary_key=True)
    secret: Mapped[str | None] = mapped_column(EncryptedText(bind_row=True))


class Owned(Base):
    """Bound to a tenant as well."""

    __tablename__ = "owned"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant="tenant_id", bind_row=True))


class Typed(Base):
    """Values of other types, one of which holds None."""

    __tablename__ = "typed"
    id: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[Any | None] = mapped_column(EncryptedJSON(bind_row=True))
    born: Mapped[date | None] = mapped_column(EncryptedDate(bind_row=True, pad=Padding(multiple=64)))
    marks: Mapped[Any] = mapped_column(MutableList.as_mutable(EncryptedJSON(bind_row=True)), nullable=True)


class Staff(Person):
    """A table below another: its key is the other's."""

    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    salary: Mapped[str | None] = mapped_column(EncryptedText(bind_row=True))


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a static key."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def attached(engine: Engine, envelope: Envelope) -> Engine:
    """An attached engine with the tables."""
    Base.metadata.create_all(engine)
    return attach(engine, envelope)


@pytest.fixture
def session(attached: Engine) -> Iterator[Session]:
    """A session on it."""
    with Session(attached) as session:
        yield session


@pytest.fixture
def people(session: Session) -> Session:
    """The session, with four people."""
    session.add_all([Person(nr=n, ssn=f"s{n}", phone=f"p{n}", note=f"n{n}") for n in range(1, 5)])
    session.commit()
    return session


@pytest.fixture
def sent(attached: Engine) -> list[str]:
    """The statements that were sent since."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(attached, "before_cursor_execute", note)
    return statements
