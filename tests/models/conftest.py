"""An attached engine on an empty database."""

from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    column,
    insert,
    inspect,
    select,
)
from sqlalchemy import table as raw

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, attach

KEY = bytes(range(32))
SECRET = "078-05-1120"


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a static key."""
    return Envelope(DirectKeyring(StaticKey(KEY)))


@pytest.fixture
def attached(engine: Engine, envelope: Envelope) -> Engine:
    """An engine with that envelope."""
    return attach(engine, envelope)


def patient(*more: Any, metadata: MetaData | None = None, name: str = "patient", **options: Any) -> Table:
    """A table with a key and the given columns, `ssn` unless there are any."""
    items = more or (Column("ssn", EncryptedText()),)
    return Table(name, metadata or MetaData(), Column("id", Integer, primary_key=True), *items, **options)


def round_trip(engine: Engine, table: Table, key: str = "ssn") -> None:
    """Writes a row and reads it back; the database holds the pair and no plaintext."""
    encrypted: Any = table.c[key]
    with engine.begin() as connection:
        written = connection.execute(insert(table).returning(table.c.id), {key: SECRET}).scalar_one()
        assert connection.scalar(select(encrypted).where(table.c.id == written)) == SECRET
        names = (encrypted.name, encrypted.type.dek, table.c.id.name)
        stored: Any = raw(table.name, *map(column, names), schema=table.schema)
        content, dek, _ = connection.execute(select(stored).where(stored.c[names[2]] == written)).one()
        assert content[:2] == b"\xec\x03"
        assert dek[:2] == b"\xed\x03"
        assert SECRET.encode() not in content


def guards(table: Table) -> list[Any]:
    """The names of a table's CHECK constraints."""
    return sorted(str(each.name) for each in table.constraints if isinstance(each, CheckConstraint))


def stored_guards(engine: Engine, table: str, schema: str | None = None) -> list[str]:
    """The same, as the database has them."""
    return sorted(str(each["name"]) for each in inspect(engine).get_check_constraints(table, schema))
