"""Statements that wait for a lock let the others pass, try again, and say in the end who is in the way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sqlalchemy_envelope.backfill.postgres.apply import apply
from sqlalchemy_envelope.errors import BackfillError

from .conftest import Make
from .customer import Customer

ADD = "ALTER TABLE customer ADD COLUMN IF NOT EXISTS extra text"


@pytest.fixture
def customer(make: Make) -> Customer:
    """The table."""
    return make()


@contextmanager
def reader(customer: Customer, name: str = "a long report") -> Iterator[int]:
    """A transaction that has read the table and does nothing; gives its pid."""
    with customer.database.connect(name) as connection, connection.transaction():
        connection.execute("SELECT 'top secret' FROM customer")
        yield connection.info.backend_pid


def test_it_goes_on_once_the_lock_is_free(customer: Customer) -> None:
    """By trying again."""
    done: list[float] = []

    def change() -> None:
        apply(customer.database, [ADD], lock_timeout=0.05, patience=30)
        done.append(time.monotonic())

    thread = threading.Thread(target=change)
    with reader(customer):
        thread.start()
        time.sleep(0.5)
        assert not done
    thread.join(10)
    assert done
    assert "extra" in customer.columns()


def test_the_error_names_who_holds_the_lock(customer: Customer) -> None:
    """By pid, name, state and since when; not by what it runs."""
    with (
        reader(customer) as pid,
        pytest.raises(BackfillError, match="no lock to be had in") as caught,
    ):
        apply(customer.database, [ADD], lock_timeout=0.1, patience=0.2)
    told = str(caught.value)
    assert (
        f"pid {pid} (sqlalchemy-envelope a long report, idle in transaction, in a transaction since" in told
    )
    assert "secret" not in told
    assert "SELECT" not in told


def test_others_pass_between_two_tries(customer: Customer) -> None:
    """A statement that waits keeps everybody waiting, so it does not wait long."""
    with reader(customer):
        thread = threading.Thread(target=_give_up, args=[customer])
        thread.start()
        longest = 0.0
        while thread.is_alive():
            began = time.monotonic()
            customer.run("SELECT count(*) FROM customer")
            longest = max(longest, time.monotonic() - began)
        thread.join()
    assert longest < 0.6, f"a reader waited {longest:.2f} s"


def _give_up(customer: Customer) -> None:
    with pytest.raises(BackfillError):
        apply(customer.database, [ADD], lock_timeout=0.2, patience=1)


def test_each_statement_is_committed_by_itself(customer: Customer) -> None:
    """What was done before a failure stays."""
    with pytest.raises(BackfillError, match='relation "nowhere" does not exist'):
        apply(customer.database, [ADD, "ALTER TABLE nowhere ADD COLUMN x int"])
    assert "extra" in customer.columns()


def test_a_deadlock_is_tried_again(customer: Customer) -> None:
    """Two tables in opposite order."""
    customer.run("CREATE TABLE other (id int)")
    customer.run("SET deadlock_timeout = '10s'; BEGIN; LOCK TABLE other")
    both = "DO $$ BEGIN SET LOCAL deadlock_timeout = '10ms'; LOCK TABLE customer; LOCK TABLE other; END $$"
    thread = threading.Thread(target=apply, args=[customer.database, [both]], kwargs={"lock_timeout": 5.0})
    thread.start()
    time.sleep(0.1)
    customer.run("LOCK TABLE customer")
    customer.run("COMMIT")
    thread.join(10)
    assert not thread.is_alive()


def test_a_column_that_another_process_took_away_is_looked_for_again(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement may find it there, and find it gone when it comes to it."""
    monkeypatch.setattr("sqlalchemy_envelope.backfill.postgres.apply.PAUSE", 0.01)
    customer.run("CREATE SEQUENCE tries")
    once = "IF nextval('tries') = 1 THEN PERFORM gone FROM customer; END IF;"
    apply(customer.database, [f"DO $$ BEGIN {once} END $$"])
    assert customer.connection.execute("SELECT nextval('tries')").fetchone() == (3,)


def test_the_settings_of_a_role_do_not_cut_a_validation_short(customer: Customer) -> None:
    """`statement_timeout` is for queries."""
    customer.run("CREATE TABLE slow AS SELECT 1")
    database = customer.connection.info.dbname
    customer.run(f"ALTER DATABASE {database} SET statement_timeout = '50ms'")
    apply(customer.database, ["DO $$ BEGIN PERFORM pg_sleep(0.2); END $$"])


def test_a_percent_sign_is_no_parameter(customer: Customer) -> None:
    """Statements are sent as they are."""
    apply(customer.database, ["""ALTER TABLE customer ADD COLUMN "a%b:c" text DEFAULT '%s :x'"""])
    assert "a%b:c" in customer.columns()
