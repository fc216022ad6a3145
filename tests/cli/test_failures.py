"""What an error becomes on the command line: one line, an exit code, and nothing that it held."""

from typing import Any

import psycopg
import pytest

from sqlalchemy_envelope import ConfigurationError, DecryptionError, Failure, KeyProviderError
from sqlalchemy_envelope.backfill.postgres.faults import told as ending
from sqlalchemy_envelope.cli.exits import Exit
from sqlalchemy_envelope.cli.failures import explained, frames
from sqlalchemy_envelope.cli.redaction import redacted
from sqlalchemy_envelope.errors import JobBusyError

from ..fixtures.postgresql import Database

CANARY = "canary-4471"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), Exit.USAGE),
        (DecryptionError(Failure.TAG, "customer.email"), Exit.LEFT),
        (DecryptionError(Failure.UNKNOWN_KEY, "customer.email"), Exit.USAGE),
        (JobBusyError("x"), Exit.BUSY),
        (KeyProviderError("x", retryable=True), Exit.LATER),
        (KeyProviderError("x", retryable=False), Exit.USAGE),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (ValueError(CANARY), Exit.FAULT),
    ],
)
def test_every_kind_of_error_has_its_code(error: BaseException, code: Exit) -> None:
    """And a line."""
    failed = explained(error)
    assert failed.code is code
    assert failed.words
    assert CANARY not in failed.words


def refused(database: Database, statement: str) -> psycopg.Error:
    """What PostgreSQL says to a statement."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (x int, y text CHECK (y <> 'canary-4471'))")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute(statement.encode())
    return raised.value


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        (f"INSERT INTO t VALUES (1, '{CANARY}')", Exit.FAULT, "CheckViolation (23514)"),
        (f"SELECT '{CANARY}'::int", Exit.FAULT, "InvalidTextRepresentation (22P02)"),
        ("SELECT 1 FROM absent", Exit.USAGE, 'relation "absent" does not exist'),
        ("SET statement_timeout = 1; SELECT pg_sleep(1)", Exit.LATER, "57014"),
    ],
)
def test_the_servers_words_are_shown_where_they_are_names(
    database: Database, statement: str, code: Exit, said: str
) -> None:
    """A message that may quote a row is not shown: its class and SQLSTATE are."""
    failed = explained(refused(database, statement))
    assert failed.code is code
    assert said in failed.words
    assert CANARY not in failed.words
    assert "\n" not in failed.words


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SET ROLE pg_monitor; DELETE FROM t", Exit.USAGE),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Exit.LATER),
        ("SELECT 1 / 0", Exit.LEFT),
    ],
)
def test_what_ended_a_job_has_the_same_code(database: Database, statement: str, code: Exit) -> None:
    """Though its message is gone by then: a right is to be given, an outage to be waited for."""
    assert explained(ending(refused(database, statement), "customer.email", 7)).code is code


def test_frames_show_places_and_nothing_else() -> None:
    """No message, no local variable, for the causes too."""

    def inner(secret: str) -> None:
        raise ValueError(secret)

    def outer(secret: str) -> None:
        try:
            inner(secret)
        except ValueError as error:
            raise RuntimeError(secret) from error

    with pytest.raises(RuntimeError) as raised:
        outer(CANARY)
    shown = frames(raised.value)
    assert "in inner" in shown
    assert "in outer" in shown
    assert "ValueError" in shown
    assert CANARY not in shown


@pytest.mark.parametrize(
    "words",
    [
        "got postgresql://me:hunter2@host/db",
        "got postgresql+asyncpg://:hunter2@host/db",
        "dsn host=x password=hunter2 dbname=y",
        "dsn password='hunter2 hunter2'",
    ],
)
def test_a_password_is_three_stars(words: str) -> None:
    """Wherever a message repeats an address."""
    shown = redacted(words)
    assert "hunter2" not in shown
    assert "***" in shown


def test_a_message_is_one_line() -> None:
    """And nothing in it moves a terminal's cursor."""
    shown: Any = redacted("one\n  two\x1b[31m" + "x" * 500)
    assert shown.startswith("one two?[31m")
    assert len(shown) < 310
