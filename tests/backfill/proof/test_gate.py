"""The gate proves that nothing is pending, and no refusal of it prints a row."""

import psycopg
import pytest

from sqlalchemy_envelope.backfill.ddl import gate
from sqlalchemy_envelope.errors import BackfillError
from tests.fixtures.postgresql import ServerLog

from .conftest import Make
from .customer import Customer

CANARY = "canary" + "0123456789abcdef"
SPOKEN = "'can' || 'ary' || encode('\\x0123456789abcdef', 'hex')"
"""An expression for it, because the server logs every statement."""

VIOLATIONS = {
    "insert": f"INSERT INTO customer (id, email) VALUES (3, {SPOKEN})",
    "insert beside": f"INSERT INTO customer (id, name, email) VALUES (3, {SPOKEN}, 'x')",
    "update": f"UPDATE customer SET email = {SPOKEN} || '!' WHERE id = 1",
    "update a null": f"UPDATE customer SET email = {SPOKEN} WHERE id = 2",
    "null the pair": "UPDATE customer SET email_encrypted = NULL, email_encrypted_dek = NULL WHERE id = 1",
    "stray": f"UPDATE customer SET email_encrypted = convert_to({SPOKEN}, 'UTF8')",
    "upsert": f"INSERT INTO customer VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = {SPOKEN}",
}


@pytest.fixture
def customer(make: Make) -> Customer:
    """One row that holds the canary and its pair, and one without a value."""
    made = make().begin()
    made.run(f"INSERT INTO customer VALUES (1, {SPOKEN}, 'A'), (2, NULL, 'B')")
    return made.encrypt()


@pytest.mark.parametrize("how", VIOLATIONS)
def test_a_violation_is_refused_without_a_value(customer: Customer, server_log: ServerLog, how: str) -> None:
    """Neither to the client nor in the log; it is an integrity error that names the gate."""
    customer.apply(gate.add_gate(customer.move))
    with pytest.raises(psycopg.errors.CheckViolation, match=r"customer\.email: refused") as caught:
        customer.run(VIOLATIONS[how])
    assert caught.value.diag.constraint_name == gate.gate_name(customer.move)
    told = [getattr(caught.value.diag, name) for name in dir(caught.value.diag) if name[0] != "_"]
    assert CANARY not in repr(told)
    assert "customer.email: refused" in server_log.read()
    assert CANARY not in server_log.read()


def test_the_check_alone_would_print_the_row(customer: Customer, server_log: ServerLog) -> None:
    """So that the test above can fail."""
    customer.apply(gate.add_gate(customer.move))
    customer.run(f"DROP TRIGGER {gate.gate_trigger_name(customer.move)} ON customer")
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        customer.run(VIOLATIONS["insert"])
    assert CANARY in (caught.value.diag.message_detail or "")
    assert CANARY in server_log.read()


def test_a_gate_that_finds_a_pending_row_prints_none(customer: Customer, server_log: ServerLog) -> None:
    """It is not proven then, but keeps others from becoming pending."""
    customer.run(f"INSERT INTO customer (id, email) VALUES (4, {SPOKEN})")
    with pytest.raises(BackfillError, match="is violated by some row") as caught:
        customer.apply(gate.add_gate(customer.move))
    assert isinstance(caught.value.__cause__, psycopg.errors.CheckViolation)
    assert caught.value.__cause__.diag.message_detail is None
    assert CANARY not in server_log.read()
    with pytest.raises(psycopg.errors.CheckViolation, match="refused"):
        customer.run(VIOLATIONS["insert"])


def test_a_pending_row_that_is_encrypted_lets_the_gate_close(customer: Customer) -> None:
    """By running it again."""
    customer.run("INSERT INTO customer (id, email) VALUES (4, 'd')")
    with pytest.raises(BackfillError):
        customer.apply(gate.add_gate(customer.move))
    customer.encrypt()
    customer.apply(gate.add_gate(customer.move))
    proven = "SELECT convalidated FROM pg_constraint WHERE conname = %s"
    assert customer.run(proven, gate.gate_name(customer.move)) == [(True,)]


def test_the_gate_is_seen_on_replicas_too(customer: Customer) -> None:
    """Where rows come by replication, triggers fire only ALWAYS."""
    customer.apply(gate.add_gate(customer.move))
    customer.run("SET session_replication_role = replica")
    with pytest.raises(psycopg.errors.CheckViolation, match="refused"):
        customer.run(VIOLATIONS["insert"])


def test_copy_prints_its_line_whoever_refuses_it(customer: Customer) -> None:
    """What no trigger can keep from it: see docs/purge.md."""
    customer.apply(gate.add_gate(customer.move))
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="refused") as caught,
        customer.connection.cursor().copy("COPY customer (id, email) FROM STDIN") as copy,
    ):
        copy.write_row((3, "typed"))
    assert "typed" in (caught.value.diag.context or "")


WRITES = [
    "INSERT INTO customer (id, name) VALUES (3, 'C')",
    "UPDATE customer SET name = 'new'",
    "UPDATE customer SET email = NULL",
    "DELETE FROM customer",
]


@pytest.mark.parametrize("statement", WRITES)
def test_other_writes_pass(customer: Customer, statement: str) -> None:
    """Whatever leaves nothing pending."""
    customer.apply(gate.add_gate(customer.move))
    customer.run(statement)


def test_a_writer_of_both_passes(customer: Customer) -> None:
    """For a new row and an old one."""
    customer.apply(gate.add_gate(customer.move))
    pair = "email_encrypted, email_encrypted_dek"
    customer.run(f"INSERT INTO customer (id, email, {pair}) VALUES (3, 'c', %s, %s)", *customer.seal("c"))
    customer.run(f"UPDATE customer SET (email, {pair}) = ('d', %s, %s) WHERE id = 3", *customer.seal("d"))


def test_a_removed_gate_leaves_nothing(customer: Customer) -> None:
    """Old writers may write again."""
    before = customer.fingerprint()
    customer.apply(gate.add_gate(customer.move) + gate.drop_gate(customer.move))
    assert customer.fingerprint() == before
    customer.run(VIOLATIONS["insert"])


def test_the_gate_of_the_way_back_refuses_what_is_encrypted_only(customer: Customer) -> None:
    """It takes the place of the other one."""
    customer.swap()
    customer.apply(gate.add_gate(customer.move))
    with pytest.raises(psycopg.errors.CheckViolation, match="the value is not in both columns"):
        customer.run("INSERT INTO customer (id, email, email_dek) VALUES (3, %s, %s)", *customer.seal("c"))
    names = customer.run("SELECT conname FROM pg_constraint WHERE conname LIKE 'envelope_%%'")
    assert names == [(gate.gate_name(customer.move),)]


def test_partitions_are_proven_too(make: Make) -> None:
    """Each by its own copy of the CHECK."""
    customer = make(
        create="CREATE TABLE customer (id bigint PRIMARY KEY, email text, name text) PARTITION BY HASH (id);"
        "CREATE TABLE part_0 PARTITION OF customer FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE part_1 PARTITION OF customer FOR VALUES WITH (MODULUS 2, REMAINDER 1)"
    ).begin()
    customer.run("INSERT INTO customer SELECT n, 'x' FROM generate_series(1, 20) AS n")
    with pytest.raises(BackfillError, match="is violated by some row"):
        customer.apply(gate.add_gate(customer.move))
    customer.encrypt()
    customer.apply(gate.add_gate(customer.move))
    for table in ("customer", "part_0", "part_1"):
        with pytest.raises(psycopg.errors.CheckViolation, match="refused"):
            customer.run(f"UPDATE {table} SET email = {SPOKEN}")
