"""A table whose move has begun, and the command line: in this process, or in one of its own."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sqlalchemy_envelope.backfill.moving.whole import begin
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.cli.app import run

from ..fixtures import postgresql

ROOT = Path(__file__).parent.parent.parent
KEY = base64.b64encode(bytes(range(32))).decode()
CANARY = "canary-4471"
"""Stands in every value."""


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


class Shell:
    """Runs commands on the test's database, with a static key in the environment."""

    def __init__(self, database: postgresql.Database, capsys: pytest.CaptureFixture[str]):
        self.url = database.url().render_as_string(hide_password=False)
        self.environment = {"DATABASE_URL": self.url, "SECRETS_ENCRYPTION_KEY": KEY, "COLUMNS": "120"}
        self._capsys = capsys
        self.connection = psycopg.connect(database.dsn, autocommit=True)

    def run(self, *arguments: str, **environment: str) -> Done:
        """In this process, without a terminal; canaries are looked for in all that is said."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            code = run(arguments)
            out, err = self._capsys.readouterr()
        assert CANARY not in out + err
        assert KEY not in out + err
        return Done(code, out, err)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """In a process of its own, its output in pipes."""
        command = [sys.executable, "-m", "sqlalchemy_envelope", *arguments]
        given = {name: value for name, value in os.environ.items() if not name.startswith("KMS_")}
        given |= self.environment | environment
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=given, stdout=pipe, stderr=pipe, text=True)

    def ended(self, process: "subprocess.Popen[str]") -> Done:
        """Its code and output."""
        out, err = process.communicate(timeout=60)
        assert CANARY not in out + err
        assert KEY not in out + err
        return Done(process.returncode, out, err)

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Runs one statement, and gives its rows."""
        cursor = self.connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def dump(self) -> dict[str, list[Any]]:
        """Everything in the table and in the schema `envelope`, physical row versions included."""
        tables = self.sql(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname IN ('public', 'envelope') ORDER BY 1"
        )
        return {name: self.sql(f"SELECT ctid, xmin, * FROM {name} ORDER BY 1") for (name,) in tables}

    def begin(self, rows: int = 100, **planned: Any) -> Move:
        """A customer table of so many rows, and the move of its e-mails begun: pair, trigger, a job."""
        self.sql("CREATE TABLE customer (id int PRIMARY KEY, email text, name text)")
        self.add(1, rows)
        self.sql("ANALYZE customer")
        move = Move.plan("customer", "email", **planned)
        begin(Database.of(self.url), move)
        return move

    def add(self, first: int, last: int) -> None:
        """More rows."""
        rows = "SELECT n, %s || n || '@x.org', 'x' FROM generate_series(%s::int, %s::int) n"
        self.sql(f"INSERT INTO customer {rows}", f"{CANARY}-", first, last)


@pytest.fixture
def shell(database: postgresql.Database, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """The command line on a database of this test's own."""
    made = Shell(database, capsys)
    yield made
    made.connection.close()
