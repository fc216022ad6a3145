"""`step`: a whole move from a shell, and back, where no migration leads."""

import json

import pytest

from sqlalchemy_envelope.cli.exits import Exit

from .conftest import CANARY, Shell

THERE = ("swap", "null-plaintext", "drop-plaintext")
BACK = ("restore-plaintext", "unswap", "drop-pair")
NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}


def customers(shell: Shell) -> None:
    """A table that nothing is known of yet."""
    shell.sql("CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, name text)")
    shell.add(1, 10)


@pytest.mark.parametrize("into", [[], ["--into", "secret"]])
def test_a_column_is_moved_and_comes_back(shell: Shell, into: list[str]) -> None:
    """Without a migration; the table is as it was."""
    customers(shell)
    before = shell.sql("SELECT * FROM customer ORDER BY id")
    begun = shell.run("step", "begin", "customer.email", *into, **NO_KEYS)
    content = "secret" if into else "email_encrypted"
    assert begun.out == (
        f"customer.email: plaintext is the truth; pair in {content}, {content}_dek, plaintext in email\n"
    )
    assert shell.run("backfill", "customer.email").code == Exit.DONE
    for step in THERE:
        done = shell.run("step", step, "customer.email", "--yes")
        assert (done.code, done.err) == (Exit.DONE, "")
    content = "secret" if into else "email"
    assert done.out == (
        f"customer.email: pair is the truth; pair in {content}, {content}_dek, no plaintext column\n"
    )
    for step in BACK:
        assert shell.run("step", step, "customer.email", "--yes").code == Exit.DONE
    assert sorted(shell.sql("SELECT id, email, name FROM customer")) == before


def test_a_step_is_a_document_too(shell: Shell) -> None:
    """Where the move stands then; and done again, the same."""
    customers(shell)
    shell.run("step", "begin", "customer.email")
    for _ in range(2):
        told = json.loads(shell.run("step", "begin", "customer.email", "--json").out)
        assert told["authority"] == "plaintext"
        assert told["pair"] == ["email_encrypted", "email_encrypted_dek"]
        assert told["plaintext"] == "email"


def test_a_step_that_others_notice_is_asked_for(shell: Shell) -> None:
    """Without a terminal nobody can answer, so it has to be told."""
    customers(shell)
    shell.run("step", "begin", "customer.email")
    done = shell.run("step", "swap", "customer.email")
    assert done.code == Exit.USAGE
    assert "refused from here on: give --yes" in done.err


def test_a_step_out_of_turn_is_refused(shell: Shell) -> None:
    """With what comes first, and nothing is lost."""
    customers(shell)
    assert "no move of customer.email" in shell.run("step", "swap", "customer.email", "--yes").err
    shell.run("step", "begin", "customer.email")
    for step in THERE:
        done = shell.run("step", step, "customer.email", "--yes")
        assert done.code == Exit.LEFT
        assert "sqlalchemy-envelope backfill customer.email" in done.err
    assert shell.sql("SELECT count(*) FROM customer WHERE email LIKE %s", f"{CANARY}%") == [(10,)]


@pytest.mark.parametrize("command", [["step", "begin"], ["backfill"], ["step", "drop-plaintext", "--yes"]])
def test_a_column_of_another_schema_is_not_taken_for_one_of_public(shell: Shell, command: list[str]) -> None:
    """Its table would stay plain, and another's be worked on."""
    customers(shell)
    shell.sql("CREATE SCHEMA crm CREATE TABLE customer (id int PRIMARY KEY, email text)")
    shell.run("step", "begin", "crm.customer.email")
    done = shell.run(*command, "customer.email")
    assert done.code == Exit.USAGE
    assert "customer.email is in several schemas (crm, public): name one" in done.err
    assert shell.run(*command, "public.customer.email").err != done.err


def test_a_constraint_in_the_way_is_no_outage(shell: Shell) -> None:
    """Run again it would be refused again: a scheduler has to stop."""
    customers(shell)
    shell.sql("ALTER TABLE customer ADD CHECK (email IS NOT NULL)")
    shell.run("step", "begin", "customer.email")
    shell.run("backfill", "customer.email")
    done = shell.run("step", "swap", "customer.email", "--yes")
    assert done.code == Exit.LEFT
    assert "a constraint refuses that the plaintext becomes NULL" in done.err


def test_a_step_without_the_right_is_for_somebody_else(shell: Shell) -> None:
    """By the code of a permission, as every command."""
    customers(shell)
    done = shell.run("step", "begin", "customer.email", PGOPTIONS="-c role=pg_monitor")
    assert done.code == Exit.USAGE
    assert "permission denied for table customer" in done.err


def test_a_paused_step_says_so(shell: Shell) -> None:
    """And how it goes on."""
    customers(shell)
    shell.run("step", "begin", "customer.email")
    shell.run("backfill", "customer.email")
    shell.run("step", "swap", "customer.email", "--yes")
    shell.sql("INSERT INTO envelope.job (move, kind, state) VALUES (1, 'null', 'paused')")
    done = shell.run("step", "null-plaintext", "customer.email", "--yes")
    assert done.code == Exit.STOPPED
    assert "sqlalchemy-envelope resume" in done.err
