"""Models whose tenants come from a column of each type and from the context, and an attached engine."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sqlalchemy_envelope import (
    TENANT,
    DirectKeyring,
    EncryptedJSON,
    EncryptedText,
    Envelope,
    StaticKey,
    attach,
)
from sqlalchemy_envelope.testing import FakeKms

A, B = "acme", "bär & söhne"


class Base(DeclarativeBase):
    """The models of these tests."""


class Company(Base):
    """What some rows' tenants are a foreign key to."""

    __tablename__ = "company"
    id: Mapped[str] = mapped_column(Text, primary_key=True)


class Person(Base):
    """Two columns of one tenant column, beside a plain one."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str | None] = mapped_column(Text)
    ssn: Mapped[str | None] = mapped_column(EncryptedText(tenant="tenant_id"))
    phone: Mapped[str | None] = mapped_column(EncryptedText(tenant="tenant_id"))
    note: Mapped[str | None]
    __table_args__ = (UniqueConstraint("tenant_id", "note", name="person_note"),)


class Own(Base):
    """One column of the context's tenant."""

    __tablename__ = "own"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant=TENANT))
    note: Mapped[str | None]


class Numbered(Base):
    """Integer tenants that are part of the primary key, under other names."""

    __tablename__ = "numbered"
    owner: Mapped[int] = mapped_column("owner_id", primary_key=True)
    nr: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant="owner_id"))


class Related(Base):
    """UUID tenants with a default, and text ones from a relationship."""

    __tablename__ = "related"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[UUID] = mapped_column(default=UUID(int=7))
    company_id: Mapped[str] = mapped_column(String(40), ForeignKey("company.id"))
    company: Mapped[Company] = relationship()
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant="uid"))
    of_company: Mapped[str | None] = mapped_column(EncryptedText(tenant="company_id"))


class Document(Base):
    """Whose None may be NULL or JSON null."""

    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(Text)
    content: Mapped[Any | None] = mapped_column(EncryptedJSON(tenant="tenant_id"))


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a static key."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def kms() -> FakeKms:
    """A KMS that counts its calls."""
    return FakeKms()


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
    """The session, with a person of each tenant: 1 of A, 2 of B."""
    session.add_all([Person(id=n, tenant_id=of, ssn=f"s{n}", phone=f"p{n}") for n, of in ((1, A), (2, B))])
    session.commit()
    return session
