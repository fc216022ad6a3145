"""The application of the example: one table, one secret in it."""

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
