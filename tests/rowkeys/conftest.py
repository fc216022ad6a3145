"""A table whose encrypted columns share one data key a row, on an attached engine."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, Engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import DirectKeyring, EncryptedInteger, EncryptedText, Envelope, StaticKey, attach

KEY = bytes(range(32))


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    note: Mapped[str | None]
    ssn: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek"))
    email: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek"))
    age: Mapped[int | None] = mapped_column(EncryptedInteger(dek="row_dek"))


person: Any = Person.__table__


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a static key."""
    return Envelope(DirectKeyring(StaticKey(KEY)))


@pytest.fixture
def attached(engine: Engine, envelope: Envelope) -> Engine:
    """An engine with the table."""
    attach(engine, envelope)
    Base.metadata.create_all(engine)
    return engine


class Sent(list[str]):
    """The statements that an engine sends from now on."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        event.listen(engine, "before_cursor_execute", self._sent)

    def _sent(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.append(statement)

    @property
    def reads(self) -> int:
        """How many of them read."""
        return sum(each.startswith("SELECT") for each in self)


def deks(engine: Engine) -> dict[int, bytes | None]:
    """The wrapped keys by primary key."""
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(select(person.c.id, person.c.row_dek))}


def values(engine: Engine) -> dict[int, tuple[Any, ...]]:
    """What opens, by primary key."""
    with engine.connect() as connection:
        return values_in(connection)


def values_in(connection: Connection) -> dict[int, tuple[Any, ...]]:
    """The same, within a transaction."""
    columns = (person.c.id, person.c.ssn, person.c.email, person.c.age)
    return {row[0]: tuple(row[1:]) for row in connection.execute(select(*columns))}
