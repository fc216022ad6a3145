"""`op.encrypt_column`: the whole move in one line of a revision, in each way that Alembic may be run."""

import pytest

from sqlalchemy_envelope import ConfigurationError

from .project import ADDRESSES, Project

BYTEA = ("bytea", False)
ENCRYPT = "op.encrypt_column('customer', 'email')"


@pytest.mark.parametrize("per_migration", [False, True])
def test_it_moves_a_column_in_place(project: Project, per_migration: bool) -> None:
    """The pair has the column's name, and the plaintext is kept under another."""
    project.options["transaction_per_migration"] = per_migration
    project.customers()
    project.revision(ENCRYPT)
    project.upgrade()
    assert project.columns() == {"email_plaintext": ("text", False), "email": BYTEA, "email_dek": BYTEA}
    assert project.emails() == ADDRESSES
    assert project.plain("email_plaintext") == ADDRESSES


def test_it_moves_a_column_into_another(project: Project) -> None:
    """With `into=` nothing is renamed, and values are bound to the pair's name."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', into='email_encrypted')")
    project.upgrade()
    pair = {"email_encrypted": BYTEA, "email_encrypted_dek": BYTEA}
    assert project.columns() == {"email": ("text", False), **pair}
    assert project.emails("email_encrypted") == ADDRESSES


def test_not_null_goes_over_to_the_pair(project: Project) -> None:
    """And away from the plaintext, which new rows don't have."""
    project.customers(email="varchar(60) not null default '?'")
    project.revision(ENCRYPT)
    project.upgrade()
    plaintext = ("character varying(60)", False)
    assert project.columns() == {
        "email_plaintext": plaintext,
        "email": ("bytea", True),
        "email_dek": ("bytea", True),
    }


@pytest.mark.parametrize("into", ["", ", into='email_encrypted'"])
def test_the_plaintext_goes_if_asked(project: Project, into: str) -> None:
    """`keep_plaintext=False`: nulled, then dropped."""
    project.customers()
    project.revision(f"op.encrypt_column('customer', 'email'{into}, keep_plaintext=False)")
    project.upgrade()
    content = "email_encrypted" if into else "email"
    assert project.columns() == {content: BYTEA, f"{content}_dek": BYTEA}
    assert project.emails(content) == ADDRESSES


def test_names_and_context_may_be_chosen(project: Project) -> None:
    """The sibling's name, and what values are bound to."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', dek='email_key', context='person.mail')")
    project.upgrade()
    assert project.columns().keys() == {"email_plaintext", "email", "email_key"}


def test_a_column_of_bytes(project: Project) -> None:
    """`type_='bytes'`, for `EncryptedBytes`."""
    project.customers(email="bytea")
    project.revision("op.encrypt_column('customer', 'email', type_='bytes')")
    project.upgrade()
    assert project.emails() == ADDRESSES


def test_a_table_of_another_schema(project: Project) -> None:
    """`schema=`, as for every operation of Alembic's."""
    project.customers(schema="clinic")
    project.revision("op.encrypt_column('customer', 'email', schema='clinic')")
    project.upgrade()
    assert project.emails(schema="clinic") == ADDRESSES


def test_later_leaves_the_backfill_to_the_command_line(project: Project) -> None:
    """Pair, trigger, and a job; no keys."""
    project.options["envelope"] = None
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', run='later')")
    project.upgrade()
    assert project.columns().keys() == {"email", "email_encrypted", "email_encrypted_dek"}
    assert project.execute("select kind, state from envelope.job") == [("encrypt", "ready")]


def test_an_empty_table_needs_no_keys(project: Project) -> None:
    """So a fresh database, as a test or a new developer has it, migrates without any."""
    project.options["envelope"] = None
    project.customers()
    project.execute("delete from customer")
    project.revision("op.encrypt_column('customer', 'email', keep_plaintext=False)")
    project.upgrade()
    assert project.columns() == {"email": BYTEA, "email_dek": BYTEA}


def test_a_second_run_needs_no_keys(project: Project) -> None:
    """There is nothing to do."""
    project.customers()
    project.revision(ENCRYPT)
    project.upgrade()
    project.options["envelope"] = None
    project.revision(ENCRYPT)
    project.upgrade()
    assert project.emails() == ADDRESSES


def test_without_keys_it_says_which_variables_to_set(project: Project) -> None:
    """`Envelope.from_env()` is asked where `context.configure` was given nothing."""
    project.options["envelope"] = None
    project.customers()
    project.revision(ENCRYPT)
    with pytest.raises(ConfigurationError, match="SECRETS_ENCRYPTION_KEY"):
        project.upgrade()


def test_what_the_revision_did_before_is_there(project: Project) -> None:
    """A table may be made and its column moved in one revision: what Alembic did is committed first."""
    project.revision(
        """
        op.execute("create table customer (id int primary key, email text)")
        op.execute("insert into customer values (1, 'ada@example.org')")
        op.encrypt_column("customer", "email")
        op.add_column("customer", sa.Column("note", sa.Text))
        """
    )
    project.upgrade()
    assert project.emails() == ["ada@example.org"]
    assert "note" in project.columns()


def test_a_move_goes_on_as_it_was_begun(project: Project) -> None:
    """Other names for a move that is under way are refused, with what it was begun with."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', into='secret', run='later')")
    project.revision(ENCRYPT)
    with pytest.raises(ConfigurationError, match="begun with another content, secret"):
        project.upgrade()


def test_a_column_that_is_not_there(project: Project) -> None:
    """Nothing is recorded of it."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'mail')")
    with pytest.raises(
        ConfigurationError, match=r"customer\.mail: customer in schema public has no column mail"
    ):
        project.upgrade()
    assert project.execute("select to_regclass('envelope.move')") == [(None,)]
