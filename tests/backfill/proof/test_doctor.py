"""Doctor: what stands in the way of a move, what depends on the column, and whether a move is whole."""

from collections.abc import Callable
from typing import Any

import pytest

from sqlalchemy_envelope.backfill.ddl import ddl, gate, trigger
from sqlalchemy_envelope.backfill.doctor.doctor import examine
from sqlalchemy_envelope.backfill.doctor.finding import Severity
from sqlalchemy_envelope.backfill.subject.move import Move

from .conftest import Make
from .customer import TABLE, Customer

CANARY = "canary-4711"


def told(customer: Customer, severity: Severity | None = None) -> str:
    """What it says, of one severity or all."""
    found = examine(customer.connection, customer.move)
    return "\n".join(str(each) for each in found if severity in (None, each.severity))


def unrecorded(customer: Customer) -> Customer:
    """As before anything began."""
    customer.run("DROP SCHEMA envelope CASCADE")
    return customer


def test_nothing_is_in_the_way_of_a_plain_table(make: Make) -> None:
    """But for its size, which is always told."""
    customer = unrecorded(make())
    assert told(customer, Severity.REFUSAL) == ""
    assert told(customer, Severity.WARNING) == ""
    assert "rows" in told(customer, Severity.NOTE)
    assert "free disk" in told(customer, Severity.NOTE)


def test_a_move_into_another_column_needs_that_name_only(make: Make) -> None:
    """The plaintext keeps its own."""
    customer = unrecorded(make(move=Move.plan("customer", "email", into="email_secret")))
    assert told(customer, Severity.REFUSAL) == ""


def test_what_is_guessed_is_told_so(make: Make) -> None:
    """Rows that nobody counted, and a speed that nobody measured."""
    customer = unrecorded(make())
    assert "not known, for it was never analysed" in told(customer, Severity.NOTE)
    customer.run("INSERT INTO customer SELECT generate_series(1, 50000)")
    customer.run("ANALYZE customer")
    notes = told(customer, Severity.NOTE)
    assert "50000 rows as the planner has it" in notes
    assert (
        "a pass takes 00:00:03 if one worker does 20,000 rows a second, which nobody measured here" in notes
    )


REFUSED = {
    "no key": ("ALTER TABLE customer DROP CONSTRAINT customer_pkey", "no primary or unique key"),
    "a key that may be null": (
        "ALTER TABLE customer DROP CONSTRAINT customer_pkey, ALTER id DROP NOT NULL, ADD UNIQUE (id)",
        "no primary or unique key",
    ),
    "in the key": (
        "ALTER TABLE customer DROP CONSTRAINT customer_pkey, ADD PRIMARY KEY (email)",
        "it is in the primary key customer_pkey",
    ),
    "generated": (
        "ALTER TABLE customer DROP email, ADD email text GENERATED ALWAYS AS (lower(name)) STORED",
        "the database makes its values itself",
    ),
    "inherited": ("CREATE TABLE child () INHERITS (customer)", "triggers are not inherited: child"),
    "foreign key": (
        (
            "CREATE TABLE known (email text PRIMARY KEY);"
            " ALTER TABLE customer ADD FOREIGN KEY (email) REFERENCES known"
        ),
        "foreign keys customer_email_fkey",
    ),
    "referred to": (
        (
            "ALTER TABLE customer ADD UNIQUE (email);"
            " CREATE TABLE known (email text REFERENCES customer (email))"
        ),
        "foreign keys known_email_fkey",
    ),
    "replica identity": ("ALTER TABLE customer REPLICA IDENTITY FULL", "replica identity is FULL"),
    "a later trigger": (
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
            " CREATE TRIGGER zzzz BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION f()"
        ),
        "may change the value unseen: zzzz",
    ),
    "taken": (
        "ALTER TABLE customer ADD email_encrypted text",
        "names that the move needs are taken: email_enc",
    ),
    "taken in the end": ("ALTER TABLE customer ADD email_dek bytea", "taken: email_dek"),
    "a view": ("ALTER TABLE customer RENAME TO t; CREATE VIEW customer AS TABLE t", "this is not a table"),
    "a partition": (
        (
            "ALTER TABLE customer RENAME TO t;"
            " CREATE TABLE whole (LIKE t INCLUDING ALL) PARTITION BY RANGE (id);"
            " CREATE TABLE customer PARTITION OF whole DEFAULT"
        ),
        "this is a partition of whole",
    ),
    "no column": ("ALTER TABLE customer DROP email", "there is no column email"),
    "no table": ("DROP TABLE customer", 'there is no table "public"."customer"'),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_lose_a_value_is_refused(make: Make, what: str) -> None:
    """Before anything is done."""
    sql, words = REFUSED[what]
    customer = unrecorded(make())
    customer.run(sql)
    assert words in told(customer, Severity.REFUSAL)


def test_a_partition_key_is_refused(make: Make) -> None:
    """By the column or by an expression over it."""
    for key in ("email", "lower(email)"):
        create = f"CREATE TABLE customer (id bigint, email text, name text) PARTITION BY HASH ({key})"
        customer = unrecorded(make(create=create))
        assert "it is in the partition key" in told(customer, Severity.REFUSAL)
        customer.run("DROP TABLE customer")


def test_a_deferrable_key_is_one(make: Make) -> None:
    """What is committed is unique."""
    create = "CREATE TABLE customer (id bigint PRIMARY KEY DEFERRABLE, email text, name text)"
    assert "no primary or unique key" not in told(unrecorded(make(create=create)), Severity.REFUSAL)


def test_rows_that_are_hidden_from_the_role_are_refused(make: Make) -> None:
    """They would stay plain; and so is another's table."""
    customer = unrecorded(make())
    customer.run("DROP ROLE IF EXISTS hidden; CREATE ROLE hidden; GRANT SELECT ON customer TO hidden")
    customer.run("ALTER TABLE customer ENABLE ROW LEVEL SECURITY; SET ROLE hidden")
    refused = told(customer, Severity.REFUSAL)
    customer.run("RESET ROLE; DROP OWNED BY hidden; DROP ROLE hidden")
    assert "row security hides rows" in refused
    assert "the table belongs to postgres" in refused


DEPENDENTS = {
    "index": ("CREATE INDEX by_email ON customer (email)", "by_email"),
    "expression index": ("CREATE INDEX by_lower ON customer (lower(email))", "by_lower"),
    "partial index": ("CREATE INDEX partly ON customer (name) WHERE email IS NOT NULL", "partly"),
    "included": ("CREATE INDEX beside ON customer (name) INCLUDE (email)", "beside"),
    "unique": ("ALTER TABLE customer ADD CONSTRAINT one UNIQUE (email)", "no longer keep values apart: one"),
    "view": ("CREATE VIEW seen AS SELECT lower(email) FROM customer", "keep it from being dropped: seen"),
    "materialized view": ("CREATE MATERIALIZED VIEW kept AS SELECT email FROM customer", "dropped: kept"),
    "rule": (
        "CREATE RULE noted AS ON UPDATE TO customer DO SELECT OLD.email",
        "rules of the table use it: noted",
    ),
    "statistics": ("CREATE STATISTICS both_ (mcv) ON email, name FROM customer", "keep its values: both_"),
    "expression statistics": (
        "CREATE STATISTICS expr ON lower(email) FROM customer",
        "keep its values: expr",
    ),
    "generated": (
        "ALTER TABLE customer ADD low text GENERATED ALWAYS AS (lower(email)) STORED",
        "compute from it: low",
    ),
    "check": (
        "ALTER TABLE customer ADD CONSTRAINT has_at CHECK (email LIKE '%@%')",
        "will look at nothing: has_at",
    ),
    "policy": ("CREATE POLICY own ON customer USING (email = current_user)", "policies look at it: own"),
    "grant": ("GRANT SELECT (email) ON customer TO pg_monitor", "were granted to pg_monitor"),
    "trigger": (
        (
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
            " CREATE TRIGGER audit AFTER UPDATE OF email ON customer FOR EACH ROW EXECUTE FUNCTION g()"
        ),
        "name it in their condition or column list: audit",
    ),
}


@pytest.mark.parametrize("what", DEPENDENTS)
def test_what_depends_on_the_column_is_named(make: Make, what: str) -> None:
    """It goes on with the plaintext, so it is a warning."""
    sql, words = DEPENDENTS[what]
    customer = unrecorded(make())
    customer.run(sql)
    assert words in told(customer, Severity.WARNING)


NOTES = {
    "publication": ("CREATE PUBLICATION news FOR TABLE customer", "published by news"),
    "function": ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "bodies of 1 functions"),
}


@pytest.mark.parametrize("what", NOTES)
def test_what_may_matter_is_noted(make: Make, what: str) -> None:
    """Without a judgement."""
    sql, words = NOTES[what]
    customer = unrecorded(make())
    customer.run(sql)
    assert words in told(customer, Severity.NOTE)


def test_partitions_are_looked_at_too(make: Make) -> None:
    """An index may be on one of them only."""
    customer = unrecorded(
        make(
            create=TABLE + " PARTITION BY HASH (id); CREATE TABLE part PARTITION OF customer"
            " FOR VALUES WITH (MODULUS 1, REMAINDER 0); CREATE INDEX only_here ON part (email)"
        )
    )
    assert "only_here" in told(customer, Severity.WARNING)


def test_the_server_s_troubles_are_told(make: Make) -> None:
    """Slots without a reader, and tables without autovacuum."""
    customer = unrecorded(make())
    customer.run("ALTER TABLE customer SET (autovacuum_enabled = off)")
    customer.run("SELECT pg_create_physical_replication_slot('unread')")
    words = told(customer, Severity.WARNING)
    customer.run("SELECT pg_drop_replication_slot('unread')")
    assert "nobody reads keep WAL: unread" in words
    assert "autovacuum is off for customer" in words


def test_our_own_things_are_no_findings(make: Make) -> None:
    """Trigger, gate and guard of a move on its way."""
    customer = make().begin()
    customer.apply(gate.add_gate(customer.move))
    assert told(customer, Severity.REFUSAL) == ""
    assert told(customer, Severity.WARNING) == ""


def _pending(customer: Customer) -> None:
    customer.run(f"INSERT INTO customer (id, email) VALUES (1, '{CANARY}')")


def _triggerless(customer: Customer) -> None:
    customer.apply(trigger.drop_trigger(customer.move))


def _disabled(customer: Customer) -> None:
    customer.run(f"ALTER TABLE customer DISABLE TRIGGER {trigger.trigger_name(customer.move)}")


def _wrong_way(customer: Customer) -> None:
    customer.move = customer.move.swapped()
    customer.run("ALTER TABLE customer RENAME email TO email_plaintext")
    customer.run("ALTER TABLE customer RENAME email_encrypted TO email")
    customer.run("ALTER TABLE customer RENAME email_encrypted_dek TO email_dek")


def _unguarded(customer: Customer) -> None:
    customer.run("ALTER TABLE customer DROP CONSTRAINT customer_email_encrypted_envelope")


def _kept(customer: Customer) -> None:
    _pending(customer)
    customer.encrypt().swap()


def _remembered(customer: Customer) -> None:
    customer.run(f"INSERT INTO customer SELECT n, '{CANARY}' FROM generate_series(1, 50) AS n")
    customer.run("ANALYZE customer")
    customer.encrypt().swap()
    customer.run("UPDATE customer SET email_plaintext = NULL")


def _gateless(customer: Customer) -> None:
    customer.swap()
    customer.apply(gate.drop_gate(customer.move))


def _set_aside(customer: Customer) -> None:
    customer.run("INSERT INTO envelope.job (move, kind) SELECT id, 'encrypt' FROM envelope.move")
    customer.run("INSERT INTO envelope.job_row SELECT id, 'x', '[1]', 'y' FROM envelope.job")


STATES: dict[str, tuple[Callable[[Customer], Any], Severity, str]] = {
    "pending rows": (_pending, Severity.WARNING, "1 rows are pending"),
    "no trigger": (_triggerless, Severity.REFUSAL, "the trigger is missing"),
    "a disabled trigger": (_disabled, Severity.REFUSAL, "the trigger is missing, disabled"),
    "a trigger of the other way": (_wrong_way, Severity.REFUSAL, "of the other direction"),
    "no guard": (_unguarded, Severity.WARNING, "the guard customer_email_encrypted_envelope is missing"),
    "no gate": (_gateless, Severity.WARNING, "the gate is missing"),
    "kept plaintext": (_kept, Severity.WARNING, "1 rows keep their plaintext in email_plaintext"),
    "remembered values": (_remembered, Severity.WARNING, "the planner's statistics still hold values"),
    "not verified": (_kept, Severity.NOTE, "it has not been verified"),
    "rows set aside": (_set_aside, Severity.WARNING, "1 rows were set aside"),
}


@pytest.mark.parametrize("what", STATES)
def test_a_move_that_is_not_whole_is_told(make: Make, what: str) -> None:
    """With what to do, and no value."""
    prepare, severity, words = STATES[what]
    customer = make().begin()
    prepare(customer)
    assert words in told(customer, severity)
    assert CANARY not in told(customer)


@pytest.mark.parametrize(
    "move", [Move.plan("customer", "email"), Move.plan("customer", "email", into="sealed")]
)
def test_a_move_that_is_whole_has_no_finding_but_notes(make: Make, move: Move) -> None:
    """Once the plaintext is dropped."""
    customer = make(move=move).begin().swap()
    customer.apply(ddl.drop_plaintext(customer.move))
    assert told(customer, Severity.REFUSAL) == ""
    assert told(customer, Severity.WARNING) == ""
