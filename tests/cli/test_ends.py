"""How commands end that don't go well: their exit codes, one line each, and nothing that a value was in."""

import re
import sys

import pytest

from sqlalchemy_envelope.backfill.job.ownership import own_job
from sqlalchemy_envelope.cli.app import COMMANDS, KEYS
from sqlalchemy_envelope.cli.exits import Exit

from .conftest import CANARY, KEY, Done, Shell

NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}
UNREACHABLE = "postgresql://me:canary-4471@127.0.0.1:1/clinic"
BAD_SOURCE = """
from sqlalchemy_envelope.backfill.rows.sources import CallableSource

def read(value):
    if value.endswith("-7@x.org"):
        raise ValueError(value)
    return value

source = CallableSource(read)
"""

THROTTLED = """
from sqlalchemy_envelope import DirectKeyring, Envelope
from sqlalchemy_envelope.testing import FakeKms

kms = FakeKms()
kms.throttle()
envelope = Envelope(DirectKeyring(kms))
"""


def one_line(done: Done) -> str:
    """What was said on stderr."""
    assert re.fullmatch(r"sqlalchemy-envelope: [^\n]+\n", done.err), done.err
    return done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["status", "--nonsense"],
        ["backfill"],
        ["backfill", "customer.email", "--job", "1"],
        ["backfill", "customer"],
        ["backfill", "customer.email", "--workers", "0"],
        ["backfill", "customer.email", "--workers", "x"],
        ["backfill", "customer.email", "--source", "nowhere:x"],
        ["backfill", "--job", "99"],
        ["verify", "customer.email"],
        ["pause"],
        ["pause", "99"],
        ["jobs", "99"],
        ["jobs", "customer"],
        ["jobs", "customer.email"],
        ["status", "--url", "sqlite://"],
        ["status", UNREACHABLE, UNREACHABLE],
    ],
)
def test_what_is_wrong_to_ask_is_two(shell: Shell, arguments: list[str]) -> None:
    """An argument or a setting: one line that says which."""
    done = shell.run(*arguments)
    assert done.code == Exit.USAGE
    one_line(done)


@pytest.mark.parametrize(
    "command",
    [["status"], ["jobs"], ["backfill", "x.y"], ["verify", "x.y"], ["pause", "1"], ["keys", "list"]],
)
def test_a_database_out_of_reach_is_three(shell: Shell, command: list[str]) -> None:
    """And its password is not repeated."""
    done = shell.run(*command, DATABASE_URL=UNREACHABLE)
    assert done.code == Exit.LATER
    assert "can't be reached" in one_line(done)


def test_a_user_that_is_refused_is_one_line(shell: Shell) -> None:
    """As the server says it."""
    url = shell.url.replace("postgres@", "nobody:canary-4471@")
    done = shell.run("status", "--url", url)
    assert done.code == Exit.USAGE
    assert '"nobody"' in one_line(done)


def test_a_database_that_is_not_there_is_two(shell: Shell) -> None:
    """It will not be there later either."""
    done = shell.run("status", "--url", re.sub(r"/[^/?]+($|\?)", r"/absent\1", shell.url))
    assert done.code == Exit.USAGE
    assert 'database "absent" does not exist' in one_line(done)


def test_a_role_that_may_only_read_is_two(shell: Shell) -> None:
    """As on a replica; with the remedy."""
    shell.begin(1)
    done = shell.run("pause", "1", PGOPTIONS="-c default_transaction_read_only=on")
    assert done.code == Exit.USAGE
    assert "connect to the primary" in one_line(done)


def test_a_setting_of_the_url_that_can_not_be_is_two(shell: Shell) -> None:
    """It will be as wrong the next time."""
    assert shell.run("status", DATABASE_URL=f"{shell.url}?sslmode=bogus").code == Exit.USAGE


def test_a_role_without_rights_is_two(shell: Shell) -> None:
    """The server names what it may not."""
    shell.begin(1)
    shell.sql("DROP ROLE IF EXISTS reader")
    shell.sql("CREATE ROLE reader LOGIN")
    done = shell.run("status", "--url", shell.url.replace("postgres@", "reader@"))
    shell.sql("DROP ROLE reader")
    assert done.code == Exit.USAGE
    assert "permission denied for schema envelope" in one_line(done)


@pytest.mark.parametrize("key", ["", CANARY, KEY[:-8]])
def test_a_key_that_is_none_is_two(shell: Shell, key: str) -> None:
    """Named by its variable, never shown."""
    shell.begin(10)
    done = shell.run("backfill", "customer.email", SECRETS_ENCRYPTION_KEY=key)
    assert done.code == Exit.USAGE
    assert "SECRETS_ENCRYPTION_KEY" in one_line(done)
    assert not key or key not in done.err


def test_another_key_than_wrote_it_is_two(shell: Shell) -> None:
    """Nothing is marked as wrong: it is not the rows."""
    shell.begin(10)
    shell.run("backfill", "customer.email", "--no-verify")
    done = shell.run("verify", "customer.email", SECRETS_ENCRYPTION_KEY=bytes(range(1, 33)).hex())
    assert done.code == Exit.USAGE
    assert "does not hold" in one_line(done)


def test_a_key_provider_that_fails_is_three(shell: Shell, tmp_path, monkeypatch) -> None:
    """Once patience is at its end; run again, it goes on."""
    (tmp_path / "throttled.py").write_text(THROTTLED)
    monkeypatch.chdir(tmp_path)
    shell.begin(10)
    done = shell.run("backfill", "customer.email", "--patience", "0", "--envelope", "throttled:envelope")
    assert done.code == Exit.LATER
    one_line(done)
    assert shell.run("backfill", "customer.email").code == Exit.DONE


def test_somebody_elses_job_is_five(shell: Shell) -> None:
    """It says who."""
    shell.begin(10)
    own_job(shell.connection, 1)
    done = shell.run("backfill", "customer.email")
    assert done.code == Exit.BUSY
    assert "job 1 is being run by" in one_line(done)


def test_rows_in_quarantine_are_one(shell: Shell, tmp_path, monkeypatch) -> None:
    """Whatever the source says of a row, its words are not repeated."""
    (tmp_path / "bad_source.py").write_text(BAD_SOURCE)
    monkeypatch.chdir(tmp_path)
    shell.begin(20)
    shell.sql("TRUNCATE envelope.job RESTART IDENTITY CASCADE")
    dry = shell.run("backfill", "customer.email", "--source", "bad_source:source", "--dry-run")
    assert dry.code == Exit.LEFT
    assert "1 of the sample: ValueError" in dry.out
    done = shell.run("backfill", "customer.email", "--source", "bad_source:source")
    assert done.code == Exit.LEFT
    assert "19 rows encrypted" in done.out
    assert "1 row in quarantine" in done.out
    assert "jobs 1" in done.err
    assert "in quarantine: 1 ValueError" in shell.run("jobs", "1", **NO_KEYS).out


def test_a_fault_of_ours_is_seventy_and_debug_shows_where(shell: Shell, monkeypatch) -> None:
    """Places only: no message, no local variable, no value."""

    def broken(*_: object, **__: object) -> None:
        secret = CANARY
        raise LookupError(secret)

    monkeypatch.setattr("sqlalchemy_envelope.cli.status.columns", broken)
    done = shell.run("status")
    assert done.code == Exit.FAULT
    assert "unexpected LookupError; --debug shows where" in one_line(done)
    done = shell.run("status", "--debug")
    assert "in broken" in done.err
    assert "LookupError" in done.err


def test_help_tells_the_exit_codes(shell: Shell) -> None:
    """Of every command."""
    for command in (*COMMANDS, "keys", *(f"keys {name}" for name in KEYS)):
        done = shell.run(*command.split(), "--help")
        assert done.code == Exit.DONE, command
        told = " ".join(done.out.split())
        assert "Exit codes: 0 done; 1 rows are left" in told, command
        assert "completion" not in told, command


def test_no_command_is_a_question(shell: Shell) -> None:
    """Answered by the help."""
    done = shell.run()
    assert done.code == Exit.DONE
    assert all(command in done.out for command in COMMANDS)
    done = shell.run("keys")
    assert done.code == Exit.DONE
    assert all(command in done.out for command in KEYS)


@pytest.mark.parametrize(
    "words", ["raise ValueError('canary-4471')", "def source(): raise KeyError('canary-4471')"]
)
def test_a_source_that_can_not_be_made_is_two(shell: Shell, tmp_path, monkeypatch, words: str) -> None:
    """Whatever it raises, which is not repeated."""
    (tmp_path / "unmade.py").write_text(words)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "unmade", raising=False)
    shell.begin(10)
    done = shell.run("backfill", "customer.email", "--source", "unmade:source")
    assert done.code == Exit.USAGE
    assert "unmade:source" in one_line(done)
