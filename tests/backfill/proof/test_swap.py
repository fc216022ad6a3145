"""The exchange of names and truth while others read and write."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from sqlalchemy_envelope.backfill.ddl import ddl
from sqlalchemy_envelope.backfill.moving.handover import change_hands
from sqlalchemy_envelope.backfill.moving.standing import look
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.errors import BackfillError, JobBusyError

from .conftest import Make
from .customer import ENVELOPE, Customer

ROWS = 60


def beside(customer: Customer, *bodies: Callable[[Any], None]) -> Callable[[], list[BaseException]]:
    """Runs each body over and over on a connection of its own; what is returned stops them."""
    stop, failures = threading.Event(), list[BaseException]()

    def run(body: Callable[[Any], None]) -> None:
        with customer.database.connect("application") as connection:
            while not stop.is_set():
                try:
                    body(connection)
                except Exception as error:  # noqa: BLE001
                    failures.append(error)
                    return

    threads = [threading.Thread(target=run, args=[body]) for body in bodies]
    for thread in threads:
        thread.start()

    def end() -> list[BaseException]:
        stop.set()
        for thread in threads:
            thread.join(20)
        return failures

    return end


def filled(make: Make, move: Move) -> Customer:
    """A table of encrypted rows, all kept plaintext."""
    customer = make(move=move).begin()
    customer.run(f"INSERT INTO customer SELECT n, 'value ' || n FROM generate_series(1, {ROWS}) AS n")
    return customer.encrypt()


def test_readers_and_writers_of_both_live_through_many_exchanges(make: Make) -> None:
    """With `into` no name changes: nobody fails, and no row's two sides ever differ."""
    move = Move.plan("customer", "email", into="sealed")
    customer = filled(make, move)

    def write(connection: Any) -> None:
        value = f"value {random.random()}"
        pair = customer.seal(value)
        sql = "UPDATE customer SET email = %s, sealed = %s, sealed_dek = %s WHERE id = %s"
        connection.execute(sql, [value, *pair, random.randint(1, ROWS)])

    def read(connection: Any) -> None:
        connection.execute("SELECT email, sealed FROM customer").fetchall()

    end = beside(customer, write, write, read)
    for _ in range(5):
        customer.apply(ddl.swap(move))
        customer.apply(ddl.unswap(move))
    assert end() == []
    for value, content, dek in customer.run("SELECT email, sealed, sealed_dek FROM customer"):
        assert ENVELOPE.open_many([(dek, content)], move.context) == [value.encode()]


@pytest.mark.parametrize("round_", range(3))
def test_no_write_is_lost_when_the_names_change(make: Make, round_: int) -> None:
    """A writer of both goes on as a writer of pairs at the first refusal; each row holds its last value."""
    move = Move.plan("customer", "email")
    customer = filled(make, move)
    last = dict[int, str]()

    def writer(keys: list[int]) -> Callable[[Any], None]:
        def write(connection: Any) -> None:
            key, value = random.choice(keys), f"value {random.random()}"
            content, dek = customer.seal(value)
            old = (
                "UPDATE customer SET email = %s, email_encrypted = %s, email_encrypted_dek = %s WHERE id = %s"
            )
            try:
                connection.execute(old, [value, content, dek, key])
            except (psycopg.errors.UndefinedColumn, psycopg.errors.DatatypeMismatch):
                new = "UPDATE customer SET email = %s, email_dek = %s WHERE id = %s"
                connection.execute(new, [content, dek, key])
            last[key] = value

        return write

    def read(connection: Any) -> None:
        connection.execute("SELECT email FROM customer", prepare=False).fetchall()

    end = beside(customer, writer([*range(1, 30)]), writer([*range(30, ROWS + 1)]), read)
    customer.swap()
    assert end() == []
    for key, content, dek in customer.run("SELECT id, email, email_dek FROM customer"):
        value = last.get(key, f"value {key}")
        assert ENVELOPE.open_many([(dek, content)], move.context) == [value.encode()]


def test_old_writers_are_refused_in_words_and_lose_nothing(make: Make) -> None:
    """From the gate on: what they were told was written is there."""
    move = Move.plan("customer", "email")
    customer = filled(make, move)
    written, refused = list[int](), list[str]()

    def write(connection: Any) -> None:
        key = 1000 + len(written) + len(refused)
        try:
            connection.execute("INSERT INTO customer (id, email) VALUES (%s, 'old')", [key])
            written.append(key)
        except psycopg.Error as error:
            refused.append(error.diag.message_primary or "")

    end = beside(customer, write)
    while not written:
        pass
    while customer.move == move:
        with suppress(BackfillError):  # a row came between
            customer.encrypt().swap()
    assert end() == []
    kept = [key for (key,) in customer.run("SELECT id FROM customer WHERE id >= 1000 ORDER BY id")]
    assert kept == written
    assert refused
    assert all("refused" in words or "is of type bytea" in words for words in refused)


REFUSING_NULL = {
    "a CHECK": ("", "email text CHECK (email IS NOT NULL)"),
    "a CHECK with another column": ("", "email text, CHECK (num_nonnulls(email, name) = 1)"),
    "a domain": ("CREATE DOMAIN address AS text NOT NULL;", "email address"),
    "a key that knows one NULL": ("", "email text UNIQUE NULLS NOT DISTINCT"),
}


@pytest.mark.parametrize("how", REFUSING_NULL)
def test_a_plaintext_that_can_not_be_null_is_not_handed_over(make: Make, how: str) -> None:
    """From then on it becomes NULL with every write: the application would be refused."""
    first, column = REFUSING_NULL[how]
    table = f"{first} CREATE TABLE customer (id int PRIMARY KEY, name text, {column})"
    customer = make(create=table).begin()
    customer.run("INSERT INTO customer (id, email) VALUES (1, 'one'), (2, 'two')")
    customer.encrypt()
    with pytest.raises(BackfillError, match="a constraint refuses that the plaintext becomes NULL"):
        customer.apply(ddl.swap(customer.move))
    assert customer.run("SELECT email FROM customer ORDER BY id") == [("one",), ("two",)]


def test_the_failure_of_a_second_process_leaves_the_gate_of_the_first(make: Make) -> None:
    """Whoever comes second is told so, at once."""
    customer = filled(make, Move.plan("customer", "email", into="sealed"))
    standing = look(customer.database, customer.move)
    statements = ddl.swap(customer.move)

    def second() -> None:
        with pytest.raises(JobBusyError, match="another process is just handing it over"):
            change_hands(standing, statements, lambda: None)

    change_hands(standing, statements, second)
    change_hands(standing, ["SELECT 1 / 0"], second)
    with pytest.raises(psycopg.errors.CheckViolation, match="predates the move"):
        customer.run("INSERT INTO customer VALUES (999, 'late')")
