"""The versions of one application, which run beside each other while a column is moved."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import EncryptedText
from sqlalchemy_envelope.moving import EncryptedOnly, Moving, ReadsEncrypted, ReadsPlaintext

TABLE, COLUMN, PAIR = "subscriber", "email", "email_encrypted"


class Plain(DeclarativeBase):
    """The base of the version that knows of no encryption."""


class OldSubscriber(Plain):
    """A subscriber, as ever."""

    __tablename__ = TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None]


def subscriber(state: Moving) -> type[Any]:
    """The model of a version that knows of both, in one of the states of a move."""

    class Base(DeclarativeBase):
        pass

    class Subscriber(Base):
        __tablename__ = TABLE

        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str | None] = mapped_column(PAIR, EncryptedText(moving=state))

    return Subscriber


NewSubscriber = subscriber(ReadsPlaintext(COLUMN))
"""Writes both, reads plaintext."""

NewestSubscriber = subscriber(ReadsEncrypted(COLUMN))
"""Writes both, reads the pair; a row that is not moved yet is read in plain text, and counted."""

LastSubscriber = subscriber(EncryptedOnly(COLUMN))
"""Writes the pair alone."""
