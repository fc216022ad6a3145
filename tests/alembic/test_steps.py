"""The single steps, for a big table's several revisions: what each refuses, and how each goes back."""

import pytest

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.errors import BackfillError

from .project import ADDRESSES, Project

INTO = ", into='email_encrypted'"
STEPS = [
    "add_encrypted_pair",
    "create_invalidate_trigger",
    "backfill_column",
    "assert_encrypted",
    "swap_encrypted",
    "null_plaintext",
    "drop_plaintext",
]
LEFT_BEHIND = """
select tgname from pg_trigger where not tgisinternal
union all select conname from pg_constraint where contype = 'c' and conrelid = 'customer'::regclass
"""
DEFAULT = "select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'customer'::regclass"
BACK = {
    "add_encrypted_pair": "drop_encrypted_pair",
    "create_invalidate_trigger": "drop_invalidate_trigger",
    "swap_encrypted": "unswap_encrypted",
    "null_plaintext": "restore_plaintext",
    "drop_plaintext": "restore_plaintext",
}


def steps(project: Project, into: str, until: str = "drop_plaintext") -> None:
    """A revision for each step until this one, with its way back."""
    project.revision("pass")
    for name in STEPS[: STEPS.index(until) + 1]:
        back = f"op.{BACK[name]}('customer', 'email'{into})" if name in BACK else "pass"
        project.revision(f"op.{name}('customer', 'email'{into})", back)


@pytest.mark.parametrize("into", ["", INTO])
def test_all_steps_there_and_back(project: Project, into: str) -> None:
    """Every value, the type, NOT NULL and DEFAULT are as they were."""
    project.customers(email="varchar(60) not null default '?'")
    before, values = project.columns(), project.plain()
    steps(project, into)
    project.upgrade()
    assert project.emails("email_encrypted" if into else "email") == values
    assert "email_plaintext" not in project.columns()
    project.downgrade("r1")
    assert (project.columns(), project.plain()) == (before, values)
    assert project.execute(DEFAULT) == [("'?'::character varying",)]
    project.upgrade()


@pytest.mark.parametrize("into", ["", INTO])
@pytest.mark.parametrize("until", STEPS)
def test_decrypt_column_goes_back_from_anywhere(project: Project, into: str, until: str) -> None:
    """Half-done, swapped, nulled or dropped."""
    project.customers(email="text not null")
    before, values = project.columns(), project.plain()
    steps(project, into, until)
    project.revision("op.decrypt_column('customer', 'email')")
    project.revision("op.decrypt_column('customer', 'email')")
    project.upgrade()
    assert (project.columns(), project.plain()) == (before, values)
    assert project.execute(LEFT_BEHIND) == []


def test_what_was_written_after_the_swap_comes_back_too(project: Project) -> None:
    """Rows that only ever had a pair, and rows whose kept plaintext is out of date."""
    project.customers()
    steps(project, "", "swap_encrypted")
    project.upgrade()
    project.execute(
        "insert into customer (id, name, email, email_dek) select 9, 'Eve', email, email_dek"
        " from customer where id = 1"
    )
    project.execute(
        "update customer set email = c.email, email_dek = c.email_dek from customer c"
        " where c.id = 1 and customer.id = 2"
    )
    project.revision("op.decrypt_column('customer', 'email')")
    project.upgrade()
    assert project.plain() == ["ada@example.org", "ada@example.org", None, "ada@example.org"]


def test_assert_encrypted_counts_what_is_pending(project: Project) -> None:
    """A number, a place, and what to run."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', run='later')")
    project.revision("op.assert_encrypted('customer', 'email')")
    with pytest.raises(
        BackfillError, match=r"customer\.email: 2 rows are not encrypted; run: sqlalchemy-env"
    ) as info:
        project.upgrade()
    assert "example.org" not in str(info.value)


@pytest.mark.parametrize("step", ["null_plaintext", "drop_plaintext"])
@pytest.mark.parametrize("into", ["", INTO])
def test_plaintext_is_not_taken_away_before_its_pair_is_there(project: Project, step: str, into: str) -> None:
    """Nothing is lost, whichever step was left out."""
    project.customers()
    project.revision(f"op.encrypt_column('customer', 'email', run='later'{into})")
    project.revision(f"op.{step}('customer', 'email'{into})")
    with pytest.raises(BackfillError, match="2 rows are not encrypted"):
        project.upgrade()
    assert project.plain() == ADDRESSES


@pytest.mark.parametrize("step", ["null_plaintext", "drop_plaintext", "swap_encrypted"])
def test_nor_before_it_is_verified(project: Project, step: str) -> None:
    """Pairs that nobody opened may be anything."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email', into='email_encrypted')")
    project.revision(f"op.{step}('customer', 'email')")
    project.upgrade("r1")
    project.execute("update envelope.move set verified_at = null")
    with pytest.raises(BackfillError, match=r"customer\.email is not verified"):
        project.upgrade()
    assert project.plain() == ADDRESSES


def test_nor_under_its_own_name(project: Project) -> None:
    """In place, the application that runs would read NULL."""
    project.customers()
    steps(project, "", "assert_encrypted")
    project.revision("op.null_plaintext('customer', 'email')")
    with pytest.raises(ConfigurationError, match=r"op\.swap_encrypted first"):
        project.upgrade()


def test_a_pair_with_values_of_its_own_is_not_dropped(project: Project) -> None:
    """`op.drop_encrypted_pair` is for a move that has not begun to matter."""
    project.customers()
    steps(project, INTO, "add_encrypted_pair")
    project.revision("op.encrypt_column('customer', 'email', into='email_encrypted')")
    project.upgrade()
    project.execute("alter table customer disable trigger all")
    project.execute("update customer set email = null where id = 2")
    project.revision("op.drop_encrypted_pair('customer', 'email')")
    with pytest.raises(BackfillError, match="1 values are in the pair alone"):
        project.upgrade()


def test_a_step_without_a_move(project: Project) -> None:
    """Says with what one begins."""
    project.customers()
    project.revision("op.backfill_column('customer', 'email')")
    with pytest.raises(ConfigurationError, match="no move of this column was begun in schema public"):
        project.upgrade()


def test_a_pair_that_does_not_open_keeps_its_column_from_going_back(project: Project) -> None:
    """Told as rows and a job, before any writer is refused; nothing is lost."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email')\nop.null_plaintext('customer', 'email')")
    project.revision("op.decrypt_column('customer', 'email')")
    project.upgrade("r1")
    project.execute("update customer set email = set_byte(email, 70, 0) where name = 'Ada'")
    with pytest.raises(
        BackfillError, match=r"1 rows can't be decrypted and are in quarantine; the causes: .* jobs \d"
    ):
        project.upgrade()
    assert project.plain("email_plaintext") == [None, *ADDRESSES[1:]]


@pytest.mark.parametrize("into", ["", INTO])
def test_no_job_is_left_open_that_can_not_be_run(project: Project, into: str) -> None:
    """One recorded where no row was: the exchange proves that it is done; the way back, that it is moot."""
    open_ = "select kind, state from envelope.job where state <> 'done'"
    project.customers()
    project.execute("delete from customer")
    project.revision(f"op.encrypt_column('customer', 'email'{into}, run='later')")
    project.revision(f"op.backfill_column('customer', 'email'{into})")
    project.revision(f"op.swap_encrypted('customer', 'email'{into})")
    project.revision("pass", f"op.decrypt_column('customer', 'email'{into})")
    project.upgrade("r2")
    assert project.execute(open_) == [("encrypt", "ready")]
    project.upgrade()
    assert project.execute(open_) == []
    project.execute("insert into envelope.job (move, kind) values (1, 'verify'), (1, 'null')")
    project.downgrade("r3")
    assert project.execute(open_) == []
