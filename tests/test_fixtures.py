"""What the tests stand on does what they think it does."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from .fixtures.child import comes_true, free_port, listens
from .fixtures.postgresql import Database, EmbeddedServer, ServerLog


def test_a_database_is_empty_and_ones_own(database: Database, engine: Engine) -> None:
    """Nothing that another test made is there."""
    with engine.connect() as connection:
        assert connection.scalar(text("select current_database()")) == database.name
        assert connection.scalars(text("select 1 from pg_tables where schemaname = 'public'")).all() == []


async def test_both_async_drivers_reach_it(database: Database, async_engine: AsyncEngine) -> None:
    """The same database answers on psycopg and on asyncpg."""
    async with async_engine.connect() as connection:
        assert await connection.scalar(text("select current_database()")) == database.name


def test_the_unix_socket_answers(database: Database, embedded_server: EmbeddedServer) -> None:
    """The embedded server listens on a socket in its folder too."""
    server = embedded_server
    with psycopg.connect(host=str(server.folder), port=server.port, user="postgres", dbname=database.name):
        pass


def test_the_log_holds_statements_and_parameters(engine: Engine, server_log: ServerLog) -> None:
    """What a statement says and what it is sent is in the log at once, also when it fails."""
    with engine.connect() as connection:
        connection.execute(text("select cast(:it as text)"), {"it": "a-canary"})
        with pytest.raises(Exception, match="invalid input syntax"):
            connection.execute(text("select cast(cast(:it as text) as int)"), {"it": "another-canary"})
    assert "a-canary" in server_log.read()
    assert "another-canary" in server_log.read()


def test_the_kms_wraps_and_unwraps(kms_client, kms_key_arn: str) -> None:
    """A data key made by the KMS comes back from it under the same encryption context only."""
    made = kms_client.generate_data_key(
        KeyId=kms_key_arn, KeySpec="AES_256", EncryptionContext={"table": "t"}
    )
    asked = {"KeyId": kms_key_arn, "CiphertextBlob": made["CiphertextBlob"]}
    assert kms_client.decrypt(**asked, EncryptionContext={"table": "t"})["Plaintext"] == made["Plaintext"]
    with pytest.raises(kms_client.exceptions.InvalidCiphertextException):
        kms_client.decrypt(**asked, EncryptionContext={"table": "u"})


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Killed tests leave nothing behind: the server stops when the starter's end of the pipe closes."""
    port = free_port()
    script = (
        "import sys, os, signal; from pathlib import Path; from tests.fixtures.child import Child, listens;"
        f"child = Child([sys.executable, '-m', 'http.server', '{port}', '-b', '127.0.0.1'], Path('log'));"
        f"child.wait_until(lambda: listens({port})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, check=False
    )
    assert comes_true(lambda: not listens(port), seconds=10)
