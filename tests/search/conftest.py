"""Models with blind indexes of each kind, and an attached engine with some rows."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import (
    CASEFOLD,
    EMAIL_DOMAIN,
    TENANT,
    TRIM,
    BlindIndex,
    DirectKeyring,
    EncryptedDate,
    EncryptedNumeric,
    EncryptedText,
    Envelope,
    Padding,
    StaticKey,
    attach,
    last,
)
from sqlalchemy_envelope.keystore.schema import install


class Base(DeclarativeBase):
    """The models of these tests."""


class Patient(Base):
    """Indexes alone, by expressions, short, together, and unique."""

    __tablename__ = "patient"
    id: Mapped[int] = mapped_column(primary_key=True)
    ssn: Mapped[str | None] = mapped_column(
        EncryptedText(
            index=[
                BlindIndex(key="ssn", unique=True),
                BlindIndex(last(4), name="ssn_last4_bidx"),
                BlindIndex(name="ssn_short_bidx", bits=8),
            ],
            pad=Padding(multiple=16),
        )
    )
    email: Mapped[str | None] = mapped_column(
        EncryptedText(index=[BlindIndex(TRIM, CASEFOLD), BlindIndex(EMAIL_DOMAIN, name="domain")])
    )
    last_name: Mapped[str | None] = mapped_column(
        EncryptedText(index=BlindIndex(columns=("last_name", "born"), name="person_bidx"))
    )
    born: Mapped[dt.date | None] = mapped_column(EncryptedDate())
    weight: Mapped[Decimal | None] = mapped_column(EncryptedNumeric(index=BlindIndex()))
    note: Mapped[str | None] = mapped_column(EncryptedText())


class Claim(Base):
    """What shares a key with another table."""

    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(primary_key=True)
    of: Mapped[str | None] = mapped_column(EncryptedText(index=BlindIndex(key="ssn")))
    other: Mapped[str | None] = mapped_column(EncryptedText(index=BlindIndex()))


class Company(Base):
    """Tenants."""

    __tablename__ = "company"
    id: Mapped[str] = mapped_column(Text, primary_key=True)


class Person(Base):
    """Of a tenant that a column names."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(Text, ForeignKey("company.id"))
    ssn: Mapped[str | None] = mapped_column(EncryptedText(tenant="tenant_id", index=BlindIndex(unique=True)))


class Own(Base):
    """Of the tenant that a statement runs for."""

    __tablename__ = "own"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str | None] = mapped_column(EncryptedText(tenant=TENANT, index=BlindIndex()))


class Both(Base):
    """Of the tenant that a statement runs for, bound to rows, indexed together."""

    __tablename__ = "both"
    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[str | None] = mapped_column(
        EncryptedText(tenant=TENANT, bind_row=True, index=BlindIndex(name="both", columns=("one", "two")))
    )
    two: Mapped[str | None] = mapped_column(EncryptedText(tenant=TENANT, bind_row=True))


PEOPLE: list[dict[str, Any]] = [
    {
        "id": 1,
        "ssn": "078-05-1120",
        "email": "Ann@Example.com ",
        "last_name": "Lee",
        "born": dt.date(1970, 1, 1),
    },
    {
        "id": 2,
        "ssn": "219-09-9999",
        "email": "bob@example.COM",
        "last_name": "Lee",
        "born": dt.date(1980, 1, 1),
    },
    {"id": 3, "ssn": "457-55-5462", "email": "eve@else.org", "last_name": "Lee", "weight": Decimal("70.50")},
    {"id": 4, "ssn": None, "last_name": "Poe"},
]


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a static key."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def attached(engine: Engine, envelope: Envelope) -> Engine:
    """An attached engine with the tables."""
    attach(engine, envelope)
    with engine.begin() as connection:
        install(connection)
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session(attached: Engine) -> Iterator[Session]:
    """A session with four patients."""
    with Session(attached) as session:
        session.add_all([Patient(**values) for values in PEOPLE])
        session.commit()
        yield session
