"""The trigger: whoever changes one side alone makes the other one pending, by whatever statement."""

from dataclasses import replace

import psycopg
import pytest

from sqlalchemy_envelope.backfill.ddl import ddl, trigger
from sqlalchemy_envelope.backfill.subject.move import Authority, Move

from .conftest import Make
from .customer import TABLE, Customer

PARTITIONED = (
    TABLE + " PARTITION BY RANGE (id); CREATE TABLE low PARTITION OF customer FOR VALUES FROM (0) TO (100);"
    " CREATE TABLE high PARTITION OF customer FOR VALUES FROM (100) TO (1000)"
)


@pytest.fixture(params=[TABLE, PARTITIONED], ids=["table", "partitioned"])
def customer(make: Make, request: pytest.FixtureRequest) -> Customer:
    """Two rows with their pairs; the plaintext is true."""
    made = make(create=request.param).begin()
    made.run("INSERT INTO customer VALUES (1, 'a@example.org', 'A'), (2, 'b@example.org', 'B')")
    return made.encrypt()


def test_backfilled_rows_are_not_pending(customer: Customer) -> None:
    """The backfill changes the pair and not the plaintext."""
    assert customer.pending == []


OLD_WRITERS = {
    "update": "UPDATE customer SET email = 'new' WHERE id = 1",
    "upsert": "INSERT INTO customer VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET email = excluded.email",
    "merge": "MERGE INTO customer USING (VALUES (1, 'new')) AS v (id, email) ON customer.id = v.id"
    " WHEN MATCHED THEN UPDATE SET email = v.email",
    "from": "UPDATE customer SET email = 'new' FROM (VALUES (1)) AS v (id) WHERE v.id = customer.id",
    "cte": "WITH done AS (UPDATE customer SET email = 'new' WHERE id = 1 RETURNING 1) SELECT * FROM done",
    "view": "CREATE VIEW seen AS SELECT id, email AS mail FROM customer;"
    " UPDATE seen SET mail = 'new' WHERE id = 1",
    "another partition": "UPDATE customer SET email = 'new', id = 1 WHERE id = 1;"
    " UPDATE customer SET id = 500, email = 'newer' WHERE id = 1; UPDATE customer SET id = 1 WHERE id = 500",
    "replica": "SET session_replication_role = replica; UPDATE customer SET email = 'new' WHERE id = 1;"
    " RESET session_replication_role",
    "longer name": "UPDATE customer SET email = email || ' ' WHERE id = 1",
}


@pytest.mark.parametrize("how", OLD_WRITERS)
def test_an_old_writer_makes_its_row_pending(customer: Customer, how: str) -> None:
    """Whatever the statement."""
    customer.run(OLD_WRITERS[how])
    assert customer.pending == [1]
    assert customer.run("SELECT email_encrypted_dek FROM customer WHERE id = 1") == [(None,)]


NEW_ROWS = {
    "insert": "INSERT INTO customer (id, email) VALUES (3, 'c')",
    "upsert": "INSERT INTO customer (id, email) VALUES (3, 'c') ON CONFLICT (id) DO NOTHING",
    "merge": "MERGE INTO customer USING (VALUES (3)) AS v (id) ON customer.id = v.id"
    " WHEN NOT MATCHED THEN INSERT (id, email) VALUES (3, 'c')",
    "as select": "INSERT INTO customer (id, email) SELECT 3, email FROM customer WHERE id = 1",
}


@pytest.mark.parametrize("how", NEW_ROWS)
def test_a_row_of_an_old_writer_is_born_pending(customer: Customer, how: str) -> None:
    """It needs no trigger for that."""
    customer.run(NEW_ROWS[how])
    assert customer.pending == [3]


def test_copied_rows_are_born_pending(customer: Customer) -> None:
    """COPY is an old writer too."""
    with customer.connection.cursor().copy("COPY customer (id, email) FROM STDIN") as copy:
        copy.write_row((3, "c"))
    assert customer.pending == [3]


UNCHANGED = [
    "UPDATE customer SET name = 'new'",
    "UPDATE customer SET email = email, name = email",
    "UPDATE customer SET email = 'a@example.org' WHERE id = 1",
    "UPDATE customer SET id = id + 200",
]


@pytest.mark.parametrize("statement", UNCHANGED)
def test_a_writer_that_changes_no_value_is_left_alone(customer: Customer, statement: str) -> None:
    """Also where the row goes to another partition."""
    customer.run(statement)
    assert customer.pending == []


def test_a_writer_of_both_is_left_alone(customer: Customer) -> None:
    """Its pair stands."""
    pair = customer.seal("new")
    sql = "UPDATE customer SET email = 'new', email_encrypted = %s, email_encrypted_dek = %s WHERE id = 1"
    customer.run(sql, *pair)
    assert customer.run("SELECT email_encrypted, email_encrypted_dek FROM customer WHERE id = 1") == [pair]


def test_a_value_set_to_null_is_null_in_both(customer: Customer) -> None:
    """While the plaintext is true."""
    customer.run("UPDATE customer SET email = NULL WHERE id = 1")
    assert customer.run("SELECT email_encrypted, email_encrypted_dek FROM customer WHERE id = 1") == [
        (None, None)
    ]


def test_nulling_the_plaintext_while_it_is_true_destroys_the_value(customer: Customer) -> None:
    """The trap: nothing is left of it anywhere."""
    customer.run("UPDATE customer SET email = NULL")
    assert customer.run("SELECT count(email), count(email_encrypted) FROM customer") == [(0, 0)]


@pytest.mark.parametrize(
    "move", [Move.plan("customer", "email"), Move.plan("customer", "email", into="sealed")]
)
def test_nulling_the_plaintext_once_the_pair_is_true_leaves_the_pair(make: Make, move: Move) -> None:
    """So the truth is handed over first."""
    customer = make(move=move).begin()
    customer.run("INSERT INTO customer VALUES (1, 'a@example.org', 'A')")
    customer.encrypt().swap()
    customer.run(f"UPDATE customer SET {customer.move.plaintext} = NULL")
    assert customer.run(
        f"SELECT count({customer.move.content}), count({customer.move.dek}) FROM customer"
    ) == [(1, 1)]


def test_a_kept_plaintext_is_current_or_null(customer: Customer) -> None:
    """Once the pair is true: a writer of pairs alone clears it, a writer of both keeps it."""
    customer.swap()
    pair = "UPDATE customer SET email = %s, email_dek = %s"
    customer.run(f"{pair} WHERE id = 1", *customer.seal("new"))
    customer.run(f"{pair}, email_plaintext = 'newer' WHERE id = 2", *customer.seal("newer"))
    assert customer.run("SELECT email_plaintext FROM customer ORDER BY id") == [(None,), ("newer",)]


def test_writers_of_both_in_two_columns_at_once_keep_both_plaintexts(make: Make) -> None:
    """Each of two moves of one table takes note of its own column."""
    customer = make()
    customer.run(
        "CREATE TABLE two (a text, a_plaintext text, a_dek bytea,"
        " b text, b_plaintext text, b_dek bytea); INSERT INTO two VALUES ('1', 'a', '1', '1', 'b', '1')"
    )
    for name in ("a", "b"):
        move = replace(
            Move.plan("two", name), content=name, dek=f"{name}_dek", plaintext=f"{name}_plaintext",
            authority=Authority.PAIR,
        )  # fmt: skip
        customer.run(*trigger.create_trigger(move))
    both = "UPDATE two SET a = '2', a_dek = '2', a_plaintext = 'a', b = '2', b_dek = '2'"
    customer.run(f"{both}, b_plaintext = 'b'")
    assert customer.run("SELECT a_plaintext, b_plaintext FROM two") == [("a", "b")]
    customer.run(both.replace("'2'", "'3'"))
    assert customer.run("SELECT a_plaintext, b_plaintext FROM two") == [("a", None)]


def test_a_partition_added_later_has_the_trigger(make: Make) -> None:
    """By itself."""
    customer = make(create=PARTITIONED).begin()
    customer.run("CREATE TABLE more PARTITION OF customer FOR VALUES FROM (1000) TO (2000)")
    customer.run("INSERT INTO customer VALUES (1001, 'a', 'A')")
    customer.encrypt()
    customer.run("UPDATE customer SET email = 'new'")
    assert customer.pending == [1001]


def _with_other_trigger(customer: Customer, name: str) -> None:
    customer.run(
        "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.email := lower(NEW.name); RETURN NEW; END $$;"
        f' CREATE TRIGGER "{name}" BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION tidy()'
    )


@pytest.mark.parametrize("name", ["a_first", "tidy", "zzz"])
def test_what_another_trigger_changes_is_seen(customer: Customer, name: str) -> None:
    """Ours fires after it, and its condition looks at what that one made."""
    _with_other_trigger(customer, name)
    customer.run("UPDATE customer SET name = 'Z' WHERE id = 2")
    assert customer.pending == [2]


def test_what_a_later_trigger_changes_is_not_seen(customer: Customer) -> None:
    """Which is why doctor refuses one whose name sorts after ours."""
    _with_other_trigger(customer, "zzzz")
    customer.run("UPDATE customer SET name = 'Z' WHERE id = 2")
    assert customer.pending == []


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [("numeric", "1.0", "1.00"), ("json", '{"a":1}', '{"a": 1}'), ("xid", "1", "2"), ("bytea", "a", "b")],
)
def test_values_are_compared_as_they_are_stored(make: Make, kind: str, old: str, new: str) -> None:
    """Two equal numbers may be spelt differently, and some types have no equality at all."""
    customer = make(create=TABLE.replace("email text", f"email {kind}")).begin()
    customer.run(f"INSERT INTO customer VALUES (1, '{old}', 'A')")
    customer.run("UPDATE customer SET email_encrypted = %s, email_encrypted_dek = %s", *customer.seal("x"))
    customer.run(f"UPDATE customer SET email = '{old}'")
    assert customer.pending == []
    customer.run(f"UPDATE customer SET email = '{new}'")
    assert customer.pending == [1]


def test_long_values_are_compared_too(customer: Customer) -> None:
    """Out of line, compressed or not."""
    customer.run("ALTER TABLE customer ALTER COLUMN email SET STORAGE EXTERNAL")
    customer.run("UPDATE customer SET email = repeat('x', 9000)")
    customer.encrypt()
    customer.run("UPDATE customer SET email = repeat('x', 9000), name = 'N'")
    assert customer.pending == []
    customer.run("UPDATE customer SET email = repeat('x', 8999) || 'y' WHERE id = 2")
    assert customer.pending == [2]


def test_a_removed_trigger_leaves_nothing(customer: Customer) -> None:
    """Neither the function."""
    customer.apply(trigger.drop_trigger(customer.move))
    assert customer.run("SELECT proname FROM pg_proc WHERE pronamespace = 'envelope'::regnamespace") == []


def test_a_role_without_rights_in_our_schema_may_write(customer: Customer) -> None:
    """An application's role needs nothing new."""
    customer.run("DROP ROLE IF EXISTS application; CREATE ROLE application")
    customer.run("GRANT SELECT, UPDATE ON customer TO application; SET ROLE application")
    customer.run("UPDATE customer SET email = 'new' WHERE id = 1")
    customer.run("RESET ROLE; DROP OWNED BY application; DROP ROLE application")
    assert customer.pending == [1]


def test_swapping_twice_keeps_one_trigger(customer: Customer) -> None:
    """One at a time."""
    customer.swap()
    customer.apply(ddl.swap(customer.move))
    names = customer.run(
        "SELECT DISTINCT tgname FROM pg_trigger WHERE tgname LIKE 'zzz_envelope_%%' ORDER BY 1"
    )
    assert len(names) == 4, "the trigger, its two helpers, and the gate's"


def test_a_writer_that_comes_late_is_refused(customer: Customer) -> None:
    """After the swap a changed plaintext beside its old pair would be a lost value. It may still go."""
    customer.encrypt().swap()
    plaintext = customer.move.plaintext
    with pytest.raises(psycopg.errors.CheckViolation, match="only its plaintext was changed") as refused:
        customer.run(f"UPDATE customer SET {plaintext} = 'secret' WHERE id = 1")
    assert refused.value.diag.message_detail is None
    customer.run(f"UPDATE customer SET {plaintext} = NULL WHERE id = 1")
    content, dek = customer.seal("new")
    pair = f"{customer.move.content} = %s, {customer.move.dek} = %s"
    customer.run(f"UPDATE customer SET {plaintext} = 'new', {pair} WHERE id = 2", content, dek)
    customer.run(f"UPDATE customer SET {plaintext} = 'back' WHERE id = 1")


def test_who_writes_both_alike_keeps_both(customer: Customer) -> None:
    """The same value again, sealed anew: a reader of plaintext goes on finding it. Who names the pair alone
    leaves no plaintext, in the same transaction too.
    """
    customer.encrypt().swap()
    plaintext, move = customer.move.plaintext, customer.move
    pair = f"{move.content} = %s, {move.dek} = %s"
    query = f"SELECT {plaintext} FROM customer WHERE id = 1"
    [before] = customer.run(query)
    with customer.connection.transaction():
        customer.run(
            f"UPDATE customer SET {plaintext} = %s, {pair} WHERE id = 1", *before, *customer.seal("x")
        )
        assert customer.run(query) == [before]
        customer.run(f"UPDATE customer SET {pair} WHERE id = 1", *customer.seal("y"))
    assert customer.run(query) == [(None,)]
