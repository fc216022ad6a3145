"""One table as an old application knows it, and as each state of a move does."""

from typing import Any

from sqlalchemy import Engine, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import EncryptedOnly, EncryptedText, ReadsEncrypted, ReadsPlaintext
from sqlalchemy_envelope.moving import Moving

STATES = (ReadsPlaintext, ReadsEncrypted, EncryptedOnly)
SECRET = "geheimnisvogel"


def customer(moving: Moving | None) -> Any:
    """The model of a version of the application: `email` and `note`."""

    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customer"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str | None] = mapped_column("email_encrypted", EncryptedText(moving=moving))
        note: Mapped[str | None]

    return Customer


def old_customer() -> Any:
    """The version from before the move."""

    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customer"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str | None] = mapped_column(String)
        note: Mapped[str | None]

    return Customer


def make_table(engine: Engine) -> None:
    """The table with plaintext, pair and guard."""
    customer(ReadsPlaintext("email")).metadata.create_all(engine)


def stored(engine: Engine) -> dict[int, tuple[Any, ...]]:
    """By id: whether there is a content and a wrapped key, and the plaintext."""
    cells = "id, email_encrypted is not null, email_encrypted_dek is not null, email"
    with engine.connect() as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(text(f"select {cells} from customer"))}


TRIGGER = """
CREATE FUNCTION invalidate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.email_encrypted := NULL; NEW.email_encrypted_dek := NULL; RETURN NEW; END $$;
CREATE TRIGGER zzz_invalidate BEFORE UPDATE ON customer FOR EACH ROW
WHEN (NEW.email IS DISTINCT FROM OLD.email AND NEW.email_encrypted IS NOT DISTINCT FROM OLD.email_encrypted)
EXECUTE FUNCTION invalidate()
"""
"""Sets a row back to pending when only its plaintext is changed."""
