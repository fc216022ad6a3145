"""A small model of one plain and two encrypted columns, and envelopes over keys that are counted."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey
from sqlalchemy_envelope.testing import FakeKms


class Base(DeclarativeBase):
    """The models of these tests."""


class Person(Base):
    """Two encrypted columns beside a plain one."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column(EncryptedText())
    note: Mapped[str | None]


class Plain(Base):
    """A table without encrypted columns."""

    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None]


@pytest.fixture
def schema(engine: Engine) -> None:
    """The tables, made without any envelope, as a migration would."""
    Base.metadata.create_all(engine)


@pytest.fixture
def static_envelope() -> Envelope:
    """An envelope that calls nobody."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def kms() -> FakeKms:
    """A KMS that counts its calls."""
    return FakeKms()


@pytest.fixture
def kms_envelope(kms: FakeKms) -> Envelope:
    """An envelope that must call out for every key."""
    return Envelope(DirectKeyring(kms))
