"""No plaintext and no key in what SQLAlchemy logs, what PostgreSQL logs, or what lies in its files."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from sqlalchemy_envelope import Envelope, attach

from ..fixtures.postgresql import Database, EmbeddedServer, ServerLog
from .conftest import CANARY, KEY, Base, work

SECRETS = (CANARY.encode(), CANARY.encode().hex().encode(), KEY, KEY.hex().encode())


def _secrets_in(text_: bytes) -> list[bytes]:
    return [secret for secret in SECRETS if secret in text_]


def test_echo_and_all_log_records_hold_ciphertext(
    database: Database,
    envelope: Envelope,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every logger at DEBUG, echo=True with result rows, no parameter hidden."""
    caplog.set_level(logging.DEBUG)
    engine = attach(create_engine(database.url(), echo="debug"), envelope)
    Base.metadata.create_all(engine)
    work(engine)
    engine.dispose()
    printed = capfd.readouterr()
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "INSERT INTO bird" in logged
    assert _secrets_in((logged + printed.out + printed.err).encode()) == []


def test_the_servers_log_holds_ciphertext(birds: Engine, server_log: ServerLog) -> None:
    """With log_statement=all and every parameter."""
    work(birds)
    logged = server_log.read().encode()
    assert b"INSERT INTO bird" in logged
    assert _secrets_in(logged) == []


def test_the_tables_files_hold_ciphertext(birds: Engine, embedded_server: EmbeddedServer) -> None:
    """Neither the table's files nor the write-ahead log after a checkpoint."""
    with birds.begin() as connection:
        connection.execute(text("create table plain (note text)"))
        connection.execute(text("insert into plain values ('zaunkoenig in the clear')"))
    work(birds)
    with birds.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("checkpoint"))
        folder = connection.scalar(text("select oid from pg_database where datname = current_database()"))
    data = Path(embedded_server.data_directory)
    files = [*(data / "base" / str(folder)).iterdir(), *(data / "pg_wal").glob("0*")]
    content = b"".join(each.read_bytes() for each in files)
    assert b"zaunkoenig" in content
    assert _secrets_in(content) == []
