"""Status: what SQL alone tells of every encrypted column, without keys."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine

from sqlalchemy_envelope import EncryptedText, Version
from sqlalchemy_envelope.backfill.ddl import ddl
from sqlalchemy_envelope.backfill.record import moves
from sqlalchemy_envelope.backfill.status import status
from sqlalchemy_envelope.backfill.status.status import ColumnStatus
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.wire import KeyCell, Wrap

from .conftest import Make
from .customer import ENVELOPE, TABLE, Customer


def only(customer: Customer, **given: Any) -> ColumnStatus:
    """The status of the one column there is."""
    (found,) = status.columns(customer.connection, **given)
    return found


def counts(found: ColumnStatus) -> tuple[int | None, ...]:
    """Rows, plain, pending, encrypted, null."""
    return found.rows, found.plain, found.pending, found.encrypted, found.null


@pytest.fixture
def customer(make: Make) -> Customer:
    """Five rows with a value and one without; two are encrypted."""
    made = make().begin()
    made.run("INSERT INTO customer VALUES (1, 'a'), (2, 'b')")
    made.encrypt()
    made.run("INSERT INTO customer VALUES (3, 'c'), (4, 'd'), (5, 'e'), (6, NULL)")
    return made


def test_rows_are_counted_by_what_they_hold(customer: Customer) -> None:
    """While the plaintext is true."""
    found = only(customer)
    assert counts(found) == (6, 5, 3, 2, 1)
    assert (found.schema, found.table, found.column, found.content) == (
        "public",
        "customer",
        "email",
        "email_encrypted",
    )
    assert (found.authority, found.guarded, found.exact) == ("plaintext", True, True)


def test_rows_are_counted_by_version_and_key(customer: Customer) -> None:
    """The id of the key is in each cell."""
    ((dek,),) = customer.run("SELECT email_encrypted_dek FROM customer WHERE id = 1")
    assert only(customer).versions == {3: 2}
    assert only(customer).keys == {KeyCell.parse(dek).key_id.hex(): 2}


def test_a_move_that_is_over_shows_no_pending_row(customer: Customer) -> None:
    """Rows that were written since have no plaintext, and that is right."""
    customer.encrypt().swap()
    customer.run("INSERT INTO customer (id, email, email_dek) VALUES (7, %s, %s)", *customer.seal("x"))
    assert counts(only(customer)) == (7, 5, 0, 6, 1)
    customer.run("UPDATE customer SET email_plaintext = NULL")
    assert counts(only(customer)) == (7, 0, 0, 6, 1)
    customer.apply(ddl.drop_plaintext(customer.move))
    assert counts(only(customer)) == (7, 0, 0, 6, 1)
    assert only(customer).plaintext is None


def test_on_the_way_back_what_is_encrypted_only_is_pending(customer: Customer) -> None:
    """Once there is a job that decrypts."""
    customer.encrypt().swap()
    customer.run("UPDATE customer SET email_plaintext = NULL WHERE id = 1")
    customer.run("INSERT INTO envelope.job (move, kind) SELECT id, 'decrypt' FROM envelope.move")
    assert counts(only(customer)) == (6, 4, 1, 5, 1)


def test_a_recorded_move_without_a_pair_is_all_pending(make: Make) -> None:
    """Its rows are plain."""
    customer = make()
    customer.run("INSERT INTO customer VALUES (1, 'a'), (2, NULL)")
    found = only(customer)
    assert counts(found) == (2, 1, 1, 0, 1)
    assert found.content is None


def test_a_column_that_never_moved_is_found_by_its_guard(make: Make) -> None:
    """Whatever its name; and every column of a table by one scan."""
    customer = make()
    customer.run("DROP SCHEMA envelope CASCADE")
    columns: list[Any] = [Column(name, EncryptedText()) for name in ('a"b', "Ssn", "plain")]
    table = Table("Patient's", MetaData(), Column("id", Integer, primary_key=True), *columns)
    engine = create_engine(customer.database.url)
    table.create(engine)
    engine.dispose()
    found = status.columns(customer.connection)
    assert [(each.table, each.column) for each in found] == [
        ("Patient's", "Ssn"),
        ("Patient's", 'a"b'),
        ("Patient's", "plain"),
    ]
    assert {each.authority for each in found} == {None}
    assert {counts(each) for each in found} == {(0, 0, 0, 0, 0)}


V1, V2_WHOLE = bytes(28), b"\x02\x00\x04wrap" + bytes(28)
V2_SPLIT = (b"\x02\x00\x04wrap", bytes(28))


@pytest.fixture
def older(make: Make, request: pytest.FixtureRequest) -> Customer:
    """A table whose column accepts an older version."""
    customer = make()
    customer.run("DROP TABLE customer; DROP SCHEMA envelope CASCADE")
    engine = create_engine(customer.database.url)
    column: Any = Column("ssn", EncryptedText(accept=request.param))
    Table("customer", MetaData(), Column("id", Integer, primary_key=True), column).create(engine)
    engine.dispose()
    dek, content = ENVELOPE.seal_many(["x"], "customer.ssn")[0]
    customer.run("INSERT INTO customer VALUES (1, %s, %s)", content, dek)
    return customer


@pytest.mark.parametrize("older", [Version.V2], indirect=True)
def test_version_2_is_counted_apart(older: Customer) -> None:
    """Split or whole."""
    older.run("INSERT INTO customer VALUES (2, %s, NULL)", V2_WHOLE)
    older.run("INSERT INTO customer VALUES (3, %s, %s)", *reversed(V2_SPLIT))
    assert only(older).versions == {3: 1, 2: 2}
    assert sum(only(older).keys.values()) == 1


@pytest.mark.parametrize("older", [Version.V1], indirect=True)
def test_version_1_is_counted_apart(older: Customer) -> None:
    """It has no mark of its own: only that its column accepts it."""
    older.run("INSERT INTO customer VALUES (2, %s, NULL), (3, %s, NULL)", V1, b"\xec\x03" + V1)
    assert only(older).versions == {3: 1, 1: 2}


def test_two_keys_are_told_apart(customer: Customer) -> None:
    """By their ids."""
    _, content = ENVELOPE.seal_many(["x"], customer.move.context)[0]
    other = KeyCell(Wrap.AWS_KMS, b"k" * 16, b"w" * 184).pack()
    customer.run(
        "UPDATE customer SET email_encrypted = %s, email_encrypted_dek = %s WHERE id IN (3, 4, 5)",
        content,
        other,
    )
    assert sorted(only(customer).keys.values()) == [2, 3]
    assert only(customer).keys[(b"k" * 16).hex()] == 3


def test_partitions_are_counted_once(make: Make) -> None:
    """As one column of one table."""
    customer = make(
        create=TABLE
        + " PARTITION BY RANGE (id); CREATE TABLE a PARTITION OF customer FOR VALUES FROM (0) TO (2);"
        " CREATE TABLE b PARTITION OF customer FOR VALUES FROM (2) TO (9)"
    ).begin()
    customer.run("INSERT INTO customer VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    assert counts(only(customer)) == (3, 3, 3, 0, 0)


def test_one_scan_counts_two_columns(make: Make) -> None:
    """Each with its own numbers."""
    customer = make().begin()
    second = Move.plan("customer", "name")
    moves.record(customer.connection, second)
    customer.apply(ddl.add_pair(second))
    customer.run("INSERT INTO customer VALUES (1, 'a', 'A'), (2, NULL, 'B')")
    customer.encrypt()
    found = status.columns(customer.connection)
    assert [(each.column, *counts(each)) for each in found] == [
        ("email", 2, 1, 0, 1, 1),
        ("name", 2, 2, 2, 0, 0),
    ]


def test_a_large_table_may_be_estimated(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a sample of it; a small one is counted anyway."""
    customer = make().begin()
    customer.run("INSERT INTO customer SELECT n, 'x', repeat('y', 100) FROM generate_series(1, 20000) AS n")
    customer.run("ANALYZE customer")
    assert counts(only(customer, exact=False)) == (20_000, 20_000, 20_000, 0, 0)
    assert only(customer, exact=False).exact
    monkeypatch.setattr(status, "SAMPLE", 5_000)
    monkeypatch.setattr("sqlalchemy_envelope.backfill.status.counting.SAMPLE", 5_000)
    found = only(customer, exact=False)
    assert not found.exact
    assert found.plain is not None
    assert 19_000 < found.plain < 21_000


def test_it_works_in_a_transaction_that_only_reads(customer: Customer) -> None:
    """As on a replica."""
    customer.run("SET default_transaction_read_only = on")
    assert counts(only(customer)) == (6, 5, 3, 2, 1)


def test_what_a_role_may_not_read_is_left_out(customer: Customer) -> None:
    """The column is named, its counts are not known."""
    customer.run("DROP ROLE IF EXISTS looker; CREATE ROLE looker; GRANT USAGE ON SCHEMA envelope TO looker")
    customer.run("GRANT SELECT ON ALL TABLES IN SCHEMA envelope TO looker; SET ROLE looker")
    try:
        assert counts(only(customer)) == (None,) * 5
    finally:
        customer.run("RESET ROLE; DROP OWNED BY looker; DROP ROLE looker")


def test_an_unvalidated_guard_is_told(customer: Customer) -> None:
    """Rows from before it may be anything."""
    customer.apply(ddl.add_pair(customer.move)[:1])
    customer.run("ALTER TABLE customer DROP CONSTRAINT customer_email_encrypted_envelope")
    customer.apply(ddl.add_pair(customer.move)[1:2])
    assert not only(customer).guarded


def test_a_database_without_us_has_no_columns(make: Make) -> None:
    """And that is no error."""
    customer = make()
    customer.run("DROP SCHEMA envelope CASCADE")
    assert status.columns(customer.connection) == []
    assert isinstance(customer.connection, psycopg.Connection)
