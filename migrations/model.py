"""The application of the example, as it is after the last revision."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import EncryptedText


class Base(DeclarativeBase):
    """The base of the example's models."""


class Patient(Base):
    """A patient; the table has a column `ssn_dek` too, which nothing here has to name."""

    __tablename__ = "patient"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    ssn: Mapped[str | None] = mapped_column(EncryptedText())


class Customer(Base):
    """A customer, with an address that was moved in place and a phone that was moved into a new column."""

    __tablename__ = "customer"

    customer_id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    country: Mapped[str]
    email: Mapped[str] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column("phone_encrypted", EncryptedText())
