"""The statements of a move: what they leave behind, that each may run again, and any name."""

import pytest
from psycopg import sql
from sqlalchemy import Column, MetaData, Table, Text, create_engine

from sqlalchemy_envelope import EncryptedText
from sqlalchemy_envelope.backfill.ddl import ddl, gate, trigger
from sqlalchemy_envelope.backfill.record import moves
from sqlalchemy_envelope.backfill.subject.move import Authority, Move
from sqlalchemy_envelope.errors import BackfillError

from .conftest import Make

REQUIRED = (
    "CREATE TABLE customer (id bigint PRIMARY KEY, email varchar(80) COLLATE \"C\" NOT NULL DEFAULT 'none',"
    " name text)"
)
PARTITIONED = """
CREATE TABLE customer (id bigint PRIMARY KEY, email varchar(80) NOT NULL DEFAULT 'none', name text)
PARTITION BY RANGE (id);
CREATE TABLE customer_low (name text, email varchar(80) NOT NULL DEFAULT 'none', id bigint NOT NULL);
ALTER TABLE customer ATTACH PARTITION customer_low FOR VALUES FROM (0) TO (100);
CREATE TABLE customer_high PARTITION OF customer FOR VALUES FROM (100) TO (1000)"""
INTO = Move.plan("customer", "email", into="email_sealed")


def whole_move(move: Move) -> list[str]:
    """Every statement there and back of an empty table."""
    after = move.handed_over()
    return [
        *ddl.add_pair(move),
        *trigger.create_trigger(move),
        *ddl.swap(move),
        *ddl.drop_plaintext(after),
        *ddl.add_plaintext(after),
        *trigger.create_trigger(after),
        *ddl.unswap(after),
        *ddl.drop_pair(move),
    ]


@pytest.mark.parametrize("create", [REQUIRED, PARTITIONED])
@pytest.mark.parametrize("move", [Move.plan("customer", "email"), INTO])
def test_each_statement_may_run_twice(make: Make, create: str, move: Move) -> None:
    """The second time changes nothing."""
    customer = make(create=create, move=move)
    for statement in whole_move(move):
        customer.apply([statement])
        once = customer.fingerprint()
        customer.apply([statement])
        assert customer.fingerprint() == once


@pytest.mark.parametrize("create", [REQUIRED, PARTITIONED])
@pytest.mark.parametrize("move", [Move.plan("customer", "email"), INTO])
@pytest.mark.parametrize("step", ["add_pair", "swap", "drop_plaintext", "unswap", "drop_pair"])
def test_a_step_that_died_between_two_statements_goes_on(
    make: Make, create: str, move: Move, step: str
) -> None:
    """From each of its places, by running it again from its start."""
    statements = getattr(ddl, step)(move)
    for done in range(len(statements)):
        customer = make(create=create, move=move)
        customer.apply(_before(step, move))
        customer.apply(statements[:done])
        customer.apply(statements)
        again = customer.fingerprint()
        customer.run("DROP TABLE customer; DROP SCHEMA envelope CASCADE")
        whole = make(create=create, move=move)
        whole.apply(_before(step, move) + statements)
        assert whole.fingerprint() == again
        customer.run("DROP TABLE customer; DROP SCHEMA envelope CASCADE")


def _before(step: str, move: Move) -> list[str]:
    every = whole_move(move)
    return every[: every.index(getattr(ddl, step)(move)[0])]


@pytest.mark.parametrize("create", [REQUIRED, PARTITIONED])
@pytest.mark.parametrize("move", [Move.plan("customer", "email"), INTO])
def test_there_and_back_leaves_the_table_as_it_was(make: Make, create: str, move: Move) -> None:
    """Type, length, collation, NOT NULL, DEFAULT; no constraint, trigger or function of ours."""
    customer = make(create=create, move=move)
    wanted = customer.fingerprint()[:4]
    customer.run("INSERT INTO customer VALUES (1, 'a@example.org', 'A')")
    customer.apply(ddl.add_pair(move) + trigger.create_trigger(move))
    customer.encrypt().swap()
    customer.apply(ddl.unswap(move) + ddl.drop_pair(move))
    assert customer.fingerprint()[:4] == wanted
    customer.run("INSERT INTO customer (id) VALUES (2)")
    assert customer.run("SELECT email FROM customer WHERE id = 2") == [("none",)]


@pytest.mark.parametrize("create", [REQUIRED, PARTITIONED])
def test_a_dropped_plaintext_comes_back_with_its_type(make: Make, create: str) -> None:
    """And NOT NULL and DEFAULT once the truth is handed back."""
    customer = make(create=create)
    wanted = customer.columns()["email"]
    customer.begin().swap()
    customer.apply(ddl.drop_plaintext(customer.move))
    assert "email_plaintext" not in customer.columns()
    customer.apply(
        ddl.add_plaintext(customer.move) + ddl.unswap(customer.move) + ddl.drop_pair(customer.move)
    )
    assert customer.columns()["email"] == wanted
    customer.run("INSERT INTO customer (id) VALUES (3)")


@pytest.mark.parametrize("move", [Move.plan("customer", "email"), INTO])
def test_not_null_is_carried_to_the_pair_and_restored(make: Make, move: Move) -> None:
    """The plaintext may be NULL then, and has no DEFAULT that would fill it."""
    customer = make(create=REQUIRED, move=move)
    customer.run("INSERT INTO customer VALUES (1, 'a@example.org', 'A')")
    customer.begin().encrypt().swap()
    after = customer.move
    columns = customer.columns()
    assert columns[after.content] == ("bytea", True)
    assert columns[after.dek] == ("bytea", True)
    assert columns[after.plaintext] == ("character varying(80)", False)
    customer.run(
        f"INSERT INTO customer (id, {after.content}, {after.dek}) VALUES (2, %s, %s)", *customer.seal("b")
    )
    assert customer.run(f"SELECT {after.plaintext} FROM customer WHERE id = 2") == [(None,)]


def test_not_null_is_set_without_a_scan(make: Make) -> None:
    """The validated CHECK proves it, so ACCESS EXCLUSIVE is short."""
    customer = make(create=REQUIRED).begin()
    told: list[str] = []
    customer.connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    customer.run("SET client_min_messages = debug1")
    for statement in ddl.swap(customer.move):
        customer.run(statement)
    proved = [each for each in told if "sufficient to prove that it does not contain nulls" in each]
    assert len(proved) == 2, told


def test_a_model_s_guard_has_the_same_name_and_text(make: Make) -> None:
    """Long ones are cut as SQLAlchemy and PostgreSQL do, so `alembic check` finds what it expects."""
    long = "é" * 28
    move = Move.plan("customer", "email", into=long)
    customer = make(move=move)
    customer.apply(ddl.add_pair(move))
    stored = customer.run("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
    customer.run("DROP TABLE customer")
    engine = create_engine(customer.database.url)
    table = Table("customer", MetaData(), Column("email", Text), Column(long, EncryptedText()))
    table.create(engine)
    engine.dispose()
    assert (
        customer.run("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
        == stored
    )


def test_the_guard_is_renamed_with_the_pair(make: Make) -> None:
    """There and back."""
    customer = make().begin()
    names = (
        "SELECT conname FROM pg_constraint WHERE conname LIKE '%envelope' AND conrelid = 'customer'::regclass"
    )
    assert customer.run(names) == [("customer_email_encrypted_envelope",)]
    customer.swap()
    assert customer.run(names) == [("customer_email_envelope",)]
    customer.apply(ddl.unswap(customer.move))
    assert customer.run(names) == [("customer_email_encrypted_envelope",)]


def test_nothing_is_swapped_while_a_row_is_pending(make: Make) -> None:
    """The gate fails, without a value, and names stay."""
    customer = make().begin()
    customer.run("INSERT INTO customer VALUES (1, 'secret@example.org', 'A')")
    with pytest.raises(BackfillError, match="is violated by some row") as caught:
        customer.swap()
    assert "secret" not in str(caught.value)
    assert "email_encrypted" in customer.columns()


def test_no_plaintext_is_dropped_while_it_is_true(make: Make) -> None:
    """Or while there is a row that only it has."""
    customer = make().begin()
    with pytest.raises(BackfillError, match=r"customer\.email: the plaintext is still what is true"):
        customer.apply(ddl.drop_plaintext(INTO.handed_back()))
    customer.swap()
    customer.apply(gate.drop_gate(customer.move))
    customer.run("INSERT INTO customer (id, email_plaintext) VALUES (1, 'only here')")
    with pytest.raises(BackfillError, match="is violated by some row"):
        customer.apply(ddl.drop_plaintext(customer.move))


def test_no_pair_is_dropped_while_it_is_true(make: Make) -> None:
    """Not before the truth is handed back."""
    customer = make().begin().swap()
    with pytest.raises(BackfillError, match=r"customer\.email: the pair is what is true"):
        customer.apply(ddl.drop_pair(customer.move))


def test_nothing_is_handed_back_that_is_encrypted_only(make: Make) -> None:
    """Rows written after the swap are decrypted first."""
    customer = make().begin().swap()
    customer.run("INSERT INTO customer (id, email, email_dek) VALUES (1, %s, %s)", *customer.seal("x"))
    with pytest.raises(BackfillError, match="is violated by some row"):
        customer.apply(ddl.unswap(customer.move))
    customer.run("UPDATE customer SET email_plaintext = 'x'")
    customer.apply(ddl.unswap(customer.move))
    assert customer.run("SELECT email FROM customer") == [("x",)]


def test_a_move_without_a_pair_is_not_swapped(make: Make) -> None:
    """With a word what to do."""
    with pytest.raises(BackfillError, match="there is no pair; add it first"):
        make().swap()


def test_the_record_says_what_is_true(make: Make) -> None:
    """And under which names."""
    customer = make().begin().swap()
    found = moves.find(customer.connection, "public", "customer", "email")
    assert found is not None
    assert found.move == Move.plan("customer", "email").swapped()
    assert found.move.authority is Authority.PAIR


NAMES = [
    "Upper",
    "select",
    'a"b',
    "it's",
    "a:b",
    "a::b",
    ":a",
    "a%b",
    "%s",
    "a b",
    "back\\slash",
    "ü",
    "$1",
    "{}",
    "$envelope$",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_quoted(make: Make, name: str) -> None:
    """Of schema, table and column."""
    move = Move.plan(f"T {name}", name, schema=f"S {name}")
    where = sql.Identifier(move.schema, move.table)
    create = sql.SQL(
        "CREATE SCHEMA {}; CREATE TABLE {} (id int PRIMARY KEY, {} text NOT NULL DEFAULT {})"
    ).format(sql.Identifier(move.schema), where, sql.Identifier(name), sql.Literal(name))
    customer = make(create=create.as_string(None), move=move)
    for statement in whole_move(move):
        customer.apply([statement, statement])
    customer.connection.execute(sql.SQL("INSERT INTO {} (id) VALUES (1)").format(where))
    assert customer.connection.execute(sql.SQL("SELECT * FROM {}").format(where)).fetchall() == [(1, name)]


def test_names_of_greatest_length_stay_apart(make: Make) -> None:
    """What we make ourselves is named after a digest."""
    table, column = "t" * 63, "c" * 49
    move = Move.plan(table, column)
    customer = make(create=f"CREATE TABLE {table} (id int PRIMARY KEY, {column} text)", move=move)
    for statement in whole_move(move):
        customer.apply([statement, statement])


def test_a_pair_with_values_of_its_own_is_not_dropped_by_a_script(make: Make) -> None:
    """Which counts nothing before: the statements look themselves."""
    customer = make().begin()
    customer.run("INSERT INTO customer VALUES (1, 'one')")
    customer.encrypt()
    content, dek = customer.seal("the only one")
    customer.run(
        "UPDATE customer SET email = NULL, email_encrypted = %s, email_encrypted_dek = %s", content, dek
    )
    with pytest.raises(BackfillError, match="values are in the pair alone"):
        customer.apply(ddl.drop_pair(customer.move))


@pytest.mark.parametrize("other", ["text", "bytea"])
def test_what_is_no_pair_is_not_dropped_by_a_script(make: Make, other: str) -> None:
    """A script that named a column of other values as the pair's stops, and so does its way back."""
    move = Move.plan("customer", "email", into="other")
    customer = make(create=f"CREATE TABLE customer (id int, email text, name text, other {other})", move=move)
    customer.run("INSERT INTO customer VALUES (1, 'one', 'x', 'precious')")
    for statements in (ddl.add_pair(move), ddl.drop_pair(move)):
        with pytest.raises(BackfillError):
            customer.apply(statements)
    assert customer.run("SELECT count(other) FROM customer") == [(1,)]


def test_a_value_of_the_pair_alone_that_comes_meanwhile_keeps_the_pair(make: Make) -> None:
    """Written after the first look, or committed only then: it would be lost."""
    customer = make().begin()
    first, *rest = ddl.drop_pair(customer.move)
    customer.apply([first])
    cells = customer.seal("the only one")
    customer.run("INSERT INTO customer (id, email_encrypted, email_encrypted_dek) VALUES (1, %s, %s)", *cells)
    with pytest.raises(BackfillError, match="is violated by some row"):
        customer.apply(rest)
