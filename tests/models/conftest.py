"""An attached engine on an empty database."""

from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Engine, Integer, MetaData, Table, insert, inspect, select, text

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
    with engine.begin() as connection:
        written = connection.execute(insert(table).returning(*table.primary_key), {key: SECRET}).one()
        row = connection.execute(select(table.c[key]).where(*_is(table, written))).one()
        assert row == (SECRET,)
        stored = connection.execute(text(f"SELECT * FROM {_quoted(engine, table)}")).mappings().all()[-1]
        column: Any = table.c[key]
        assert stored[column.name][:2] == b"\xec\x03"
        assert stored[column.type.dek][:2] == b"\xed\x03"
        assert SECRET.encode() not in bytes(stored[column.name])


def _is(table: Table, row: Any) -> list[Any]:
    return [column == value for column, value in zip(table.primary_key, row, strict=True)]


def _quoted(engine: Engine, table: Table) -> str:
    options = engine.get_execution_options().get("schema_translate_map", {})
    schema = options.get(table.schema, table.schema)
    prepare = engine.dialect.identifier_preparer.quote
    return ".".join(prepare(part) for part in (schema, table.name) if part)


def guards(table: Table) -> list[Any]:
    """The names of a table's CHECK constraints."""
    return sorted(str(each.name) for each in table.constraints if isinstance(each, CheckConstraint))


def stored_guards(engine: Engine, table: str, schema: str | None = None) -> list[str | None]:
    """The same, as the database has them."""
    return sorted(str(each["name"]) for each in inspect(engine).get_check_constraints(table, schema))
