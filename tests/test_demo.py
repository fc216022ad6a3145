"""The demo, run as a newcomer runs it: in a process of its own, without a terminal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo.__main__ import verdict
from demo.chinook import Chinook
from demo.scenes import ORDER
from demo.stage import Stage
from sqlalchemy_envelope.backfill.record.moves import record, recorded
from sqlalchemy_envelope.backfill.record.schema import install
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.keystore import schema as keystore

from .fixtures.child import comes_true
from .fixtures.postgresql import Database

ROOT = Path(__file__).parent.parent
NO_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'envelope%'"
STRANGER = Move.plan("somebody", "else")
A_KEY = (
    "INSERT INTO envelope.key (id, tenant, state, wrapped, wrapped_by)"
    " VALUES (gen_random_uuid(), 'acme', 'active', ARRAY['\\x00'::bytea], ARRAY['somebody'])"
)


def start(*arguments: str) -> "subprocess.Popen[str]":
    """The demo, its output in a pipe."""
    environment = os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as under nohup: a child would inherit it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, output and errors."""
    output, errors = process.communicate(timeout=100)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def shown() -> str:
    """What a quick run on the embedded server shows; it went well."""
    code, output, errors = finished(start("--quick"))
    assert code == 0, output + errors
    assert errors == ""
    return output


@pytest.fixture
def schemas(database: Database) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the test's database, to see what the demo leaves there."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        yield connection


def test_every_scene_is_played_and_every_promise_holds(shown: str) -> None:
    """And the last line counts them."""
    headings = [line for line in shown.splitlines() if line.endswith("───")]
    assert len(headings) == len(ORDER) + 1
    assert "NOT SO" not in shown
    made = shown.count("✓") - 1
    assert made >= len(ORDER)
    assert f"✓ {made} promises made, {made} held" in shown


def test_it_reads_without_a_terminal(shown: str) -> None:
    """No escape sequence, no progress bar, no line too long."""
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_what_the_table_holds_shows_nothing_personal(shown: str) -> None:
    """The record as psql has it is in hexadecimal, where the other side has the customer's name."""
    record = shown.partition("select * from customer")[2].partition("✓")[0]
    assert record.count("\\xec03") == record.count("\\xed03") == 5
    personal = {value for value in Chinook.read(quick=False).personal if len(value) > 3}
    assert not [value for value in personal if value in record]
    assert "bjorn.hansen@yahoo.no" in shown


def test_a_promise_that_does_not_hold_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """And is named at the end."""
    stage = Stage()
    stage.promise("one and one is two", held=True)
    stage.promise("one and one is three", held=False)
    assert verdict(stage) == 1
    assert capsys.readouterr().out.count("one and one is three") == 2


def test_on_ones_own_server_it_leaves_nothing(database: Database, schemas: "psycopg.Connection[Any]") -> None:
    """The scratch schema is gone, so is that of moves, and `public` was never touched."""
    code, output, errors = finished(start("--quick", "--url", _url(database)))
    assert code == 0, output + errors
    assert schemas.execute(SCHEMAS).fetchall() == []
    assert schemas.execute(NO_TABLES).fetchone() == (0,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_either(
    database: Database, schemas: "psycopg.Connection[Any]", number: signal.Signals
) -> None:
    """Ctrl-C, or a polite end, as soon as the schema is there."""
    process = start("--url", _url(database))
    comes_true(lambda: schemas.execute(SCHEMAS).fetchall() != [] or process.poll() is not None)
    time.sleep(0.5)
    process.send_signal(number)
    code, output, errors = finished(process)
    assert code == 128 + number, output + errors
    assert "Traceback" not in errors
    assert schemas.execute(SCHEMAS).fetchall() == []


def test_moves_and_keys_of_others_stay_where_they_are_recorded(
    database: Database, schemas: "psycopg.Connection[Any]"
) -> None:
    """Interrupted in the middle of its own move, it takes back its own records only."""
    install(schemas)
    record(schemas, STRANGER)
    for statement in keystore.STATEMENTS:
        schemas.execute(statement.encode())
    schemas.execute(A_KEY)
    process = start("--quick", "--url", _url(database))
    moves = "SELECT count(*) FROM envelope.job"
    comes_true(lambda: schemas.execute(moves).fetchone() != (0,) or process.poll() is not None, 60)
    process.send_signal(signal.SIGTERM)
    code, output, errors = finished(process)
    assert code == 128 + signal.SIGTERM, output + errors
    assert schemas.execute(SCHEMAS).fetchall() == [("envelope",)]
    assert [each.move for each in recorded(schemas)] == [STRANGER]
    assert schemas.execute("SELECT tenant FROM envelope.key").fetchall() == [("acme",)]
    assert schemas.execute("SELECT count(*) FROM envelope.key_receipt").fetchone() == (0,)
    functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'envelope'::regnamespace"
    assert schemas.execute(functions).fetchone() == (0,)


def test_a_server_that_is_not_there_is_one_line() -> None:
    """And an exit code of its own."""
    code, _, errors = finished(start("--url", "postgresql+psycopg://me:hunter2@127.0.0.1:1/none"))
    assert code == 2
    assert "needs a PostgreSQL that lets it make a schema" in errors
    assert "Traceback" not in errors
    assert "hunter2" not in errors


def test_a_server_that_takes_no_schema_is_one_line(database: Database) -> None:
    """Here because it only reads."""
    url = database.url().update_query_dict({"options": "-cdefault_transaction_read_only=on"})
    code, _, errors = finished(start("--url", url.render_as_string(hide_password=False)))
    assert code == 2
    assert "read-only" in errors
    assert "Traceback" not in errors


def test_another_driver_is_refused_at_once() -> None:
    """The demo speaks by psycopg."""
    code, _, errors = finished(start("--url", "postgresql+asyncpg://me@127.0.0.1/none"))
    assert code == 2
    assert "postgresql+psycopg://" in errors


def _url(database: Database) -> str:
    return database.url().render_as_string(hide_password=False)
