"""`backfill --dry-run` says what would be done, and does nothing."""

import json

import pytest

from sqlalchemy_envelope.cli.exits import Exit

from .conftest import Shell

NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}


@pytest.mark.parametrize(
    "arguments", [["customer.email"], ["all"], ["--job", "1"], ["customer.email", "--json"]]
)
def test_nothing_is_written(shell: Shell, arguments: list[str]) -> None:
    """Not a row, not a job, not a row's version."""
    shell.begin(500)
    before = shell.dump()
    assert shell.run("backfill", *arguments, "--dry-run").code == Exit.DONE
    assert shell.dump() == before


def test_a_job_that_is_not_recorded_stays_so(shell: Shell) -> None:
    """The column's move is, and that is enough to estimate."""
    shell.begin(500)
    shell.sql("DELETE FROM envelope.job")
    before = shell.dump()
    done = shell.run("backfill", "customer.email", "--dry-run")
    assert done.code == Exit.DONE
    assert shell.dump() == before


def test_it_tells_rows_batches_time_and_wal(shell: Shell) -> None:
    """Of a table of which some is done."""
    shell.begin(400)
    shell.run("backfill", "customer.email", "--no-verify")
    shell.add(401, 1000)
    done = shell.run("backfill", "customer.email", "--dry-run")
    assert "customer.email: nothing was written" in done.out
    assert "600 of 1,000 rows to encrypt" in done.out
    found = json.loads(shell.run("backfill", "customer.email", "--dry-run", "--json").out)[0]
    assert (found["rows"], found["pending"], found["exact"]) == (1000, 600, True)
    assert 0.01 < found["seconds"] < 30
    assert 600 * 150 < found["wal"] < 600 * 2000
    assert 0 < found["batches"] <= 10


def test_without_keys_there_is_no_time(shell: Shell) -> None:
    """And all the rest: rows need no keys to be counted."""
    shell.begin(100)
    done = shell.run("backfill", "customer.email", "--dry-run", **NO_KEYS)
    assert done.code == Exit.DONE
    assert "100 of 100 rows" in done.out
    assert "not known: set KMS_KEY_ARN" in done.out


def test_what_can_not_be_moved_is_found_beforehand(shell: Shell) -> None:
    """The same refusals as of a run."""
    shell.begin(100)
    shell.sql("ALTER TABLE customer DROP CONSTRAINT customer_pkey")
    done = shell.run("backfill", "customer.email", "--dry-run")
    assert done.code == Exit.USAGE
    assert "has no key to go by" in done.err
