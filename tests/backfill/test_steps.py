"""What each kind of job does to a table: to pairs, back, proven, and without the plaintext."""

from itertools import pairwise

import pytest

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.ddl import trigger
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.record.moves import recorded
from sqlalchemy_envelope.backfill.subject.move import Authority, Move
from sqlalchemy_envelope.errors import BackfillError, DecryptionError

from .conftest import MakeWorld
from .world import World, envelope

SMALL = Pace(least=7, most=7)
STATE = "SELECT id, email, email_encrypted IS NULL FROM customer ORDER BY id"


@pytest.fixture
def moved(world: World) -> World:
    """Fifty rows with a pair each, one NULL, one empty; the pair holds the truth."""
    world.fill(50)
    world.execute("INSERT INTO customer (id, email) VALUES (51, NULL), (52, '')")
    assert world.run().rows_done == 51
    world.give_authority(Authority.PAIR)
    return world


def test_null_stays_null_and_empty_is_a_value(moved: World) -> None:
    """As the encrypted types have it."""
    pairs = moved.execute("SELECT id, email_encrypted IS NULL FROM customer WHERE id > 50").fetchall()
    assert pairs == [(51, True), (52, False)]
    assert moved.wrong() == 0


def test_bytes_move_too(make_world: MakeWorld) -> None:
    """With the tag of bytes."""
    move = Move.plan("photo", "pixels", type_="bytes")
    world = make_world("CREATE TABLE photo (id int PRIMARY KEY, pixels bytea)", move)
    world.execute("INSERT INTO photo SELECT n, sha256(n::text::bytea) FROM generate_series(1, 20) n")
    assert world.run().rows_done == 20
    assert world.wrong() == 0
    assert world.run("verify").state == "done"
    world.give_authority(Authority.PAIR)
    world.run("null")
    assert world.value("SELECT count(pixels) FROM photo") == 0
    assert world.run("decrypt").rows_done == 20
    assert world.value("SELECT bool_and(pixels = sha256(id::text::bytea)) FROM photo")


def test_a_large_value_moves(world: World) -> None:
    """Toasted on both sides, and read in batches that its size keeps small."""
    world.execute(
        "INSERT INTO customer (id, email) SELECT n, repeat('é', 300000) FROM generate_series(1, 30) n"
    )
    assert world.run(pace=Pace(least=2, most=20, most_bytes=2**20)).rows_done == 30
    assert world.wrong() == 0


def test_partitions_move_leaf_by_leaf(make_world: MakeWorld) -> None:
    """Partitions of partitions, an empty one, and one that comes while the job runs."""
    world = make_world(
        "CREATE TABLE customer (id int, at date, email text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE y1 PARTITION OF customer FOR VALUES FROM ('2023-1-1') TO ('2024-1-1');"
        "CREATE TABLE y2 PARTITION OF customer FOR VALUES FROM ('2024-1-1') TO ('2025-1-1')"
        " PARTITION BY HASH (id);"
        "CREATE TABLE y2a PARTITION OF y2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE y2b PARTITION OF y2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "CREATE TABLE empty PARTITION OF customer FOR VALUES FROM ('2030-1-1') TO ('2031-1-1')"
    )
    fill = "INSERT INTO customer SELECT n, date '{}' + n % 300, 'mail' || n FROM generate_series(1, 80) n"
    world.execute(fill.format("2023-1-1"))
    world.execute(fill.format("2024-1-1"))

    def heard(progress: object) -> None:
        if world.value("SELECT to_regclass('y3') IS NULL"):
            world.execute(
                "CREATE TABLE y3 PARTITION OF customer FOR VALUES FROM ('2025-1-1') TO ('2026-1-1')"
            )
            world.execute(fill.format("2025-1-1"))

    assert world.run(pace=SMALL, progress=heard).rows_done == 240
    assert world.wrong() == 0
    assert world.run("verify", workers=2).rows_done == 240


def test_verify_opens_and_compares_every_row(moved: World) -> None:
    """And the record of the move says when."""
    report = moved.run("verify", pace=SMALL)
    assert (report.state, report.rows_done, report.sweeps) == ("done", 51, 1)
    assert recorded(moved.connection)[0].verified_at is not None


def test_verify_finds_what_is_wrong(moved: World) -> None:
    """By key and cause, without a value; and again until it is right."""
    moved.apply(trigger.drop_trigger(moved.move))
    other = envelope().seal_many(["another"], moved.move.context)[0]
    moved.execute("UPDATE customer SET email = 'changed' WHERE id = 7")
    moved.execute("UPDATE customer SET email_encrypted_dek = %s, email_encrypted = %s WHERE id = 9", other)
    moved.execute("UPDATE customer SET email_encrypted = NULL, email_encrypted_dek = NULL WHERE id = 11")
    content = moved.value("SELECT email_encrypted FROM customer WHERE id = 13")
    moved.execute("UPDATE customer SET email_encrypted = %s WHERE id = 14", [content])
    report = moved.run("verify", pace=SMALL)
    assert (report.state, report.rows_quarantined) == ("failed", 4)
    assert report.error is not None
    assert "4 rows are not what they should be" in report.error
    (job,) = [each for each in jobs.jobs(moved.connection) if each.kind == "verify"]
    found = {row.key: row.cause for row in jobs.quarantined(moved.connection, job.id)}
    assert found == {
        ("7",): "mismatch",
        ("9",): "mismatch",
        ("11",): "stale plaintext",
        ("14",): "DecryptionError commitment",
    }
    assert recorded(moved.connection)[0].verified_at is None
    moved.execute("UPDATE customer SET email = NULL WHERE id IN (7, 9, 11, 14)")
    moved.execute("UPDATE customer SET email_encrypted = NULL, email_encrypted_dek = NULL WHERE id = 14")
    again = moved.run("verify", pace=SMALL)
    assert (again.state, again.rows_quarantined) == ("done", 0)
    assert jobs.quarantined(moved.connection, job.id) == []


def test_verify_opens_every_row_when_the_plaintext_is_gone(moved: World) -> None:
    """There is nothing to compare with."""
    moved.apply(trigger.drop_trigger(moved.move))
    moved.execute("ALTER TABLE customer DROP COLUMN email")
    assert moved.run("verify", pace=SMALL).rows_done == 51
    flipped = "set_byte(email_encrypted, 70, get_byte(email_encrypted, 70) # 1)"
    moved.execute(f"UPDATE customer SET email_encrypted = {flipped} WHERE id = 7")
    report = moved.run("verify", pace=SMALL)
    assert (report.state, report.rows_quarantined) == ("failed", 1)


def test_verify_weighs_large_pairs_when_the_plaintext_is_gone(world: World) -> None:
    """There is no column left to ask for its length."""
    world.execute("INSERT INTO customer (id, email) VALUES (1, repeat('x', 1200000))")
    world.run()
    world.give_authority(Authority.PAIR)
    world.apply(trigger.drop_trigger(world.move))
    world.execute("ALTER TABLE customer DROP COLUMN email")
    assert world.run("verify").rows_done == 1


def test_verify_finds_what_is_pending(world: World) -> None:
    """While the plaintext holds the truth."""
    world.fill(10)
    report = world.run("verify")
    assert (report.state, report.rows_quarantined) == ("failed", 10)


def test_verify_under_another_key_ends_with_that_word(moved: World) -> None:
    """A key that is missing is no matter of rows."""

    def other() -> Envelope:
        return Envelope(DirectKeyring(StaticKey(bytes(range(1, 33)))))

    with pytest.raises(DecryptionError, match="key that this keyring does not hold"):
        moved.run("verify", envelope=other)
    assert moved.job("verify").state == "failed"


def test_null_leaves_only_the_pair(moved: World) -> None:
    """And a plaintext without a pair stays."""
    moved.execute("INSERT INTO customer (id, email) VALUES (60, 'no pair')")
    report = moved.run("null", pace=SMALL)
    assert (report.state, report.rows_done) == ("done", 51)
    assert moved.execute("SELECT id, email FROM customer WHERE email IS NOT NULL").fetchall() == [
        (60, "no pair")
    ]
    assert moved.value("SELECT count(email_encrypted) FROM customer") == 51


def test_null_under_the_wrong_trigger_loses_nothing(moved: World) -> None:
    """The trigger that makes pairs follow the plaintext would erase them: the batch is taken back."""
    before = moved.execute(STATE).fetchall()
    moved.apply(trigger.create_trigger(Move.plan("customer", "email")))
    with pytest.raises(BackfillError, match="a trigger of the table undid what was written"):
        moved.run("null")
    assert moved.execute(STATE).fetchall() == before


def test_decrypt_gives_the_plaintext_back(moved: World) -> None:
    """From the pair alone."""
    moved.execute("UPDATE customer SET email = NULL")
    report = moved.run("decrypt", pace=SMALL, workers=2)
    assert (report.state, report.rows_done) == ("done", 51)
    assert moved.wrong() == 0
    assert moved.value("SELECT email FROM customer WHERE id = 7") == "somebody7@example.org"


def test_decrypt_under_the_wrong_trigger_loses_nothing(moved: World) -> None:
    """The same trap the other way."""
    moved.execute("UPDATE customer SET email = NULL")
    before = moved.execute(STATE).fetchall()
    moved.apply(trigger.create_trigger(Move.plan("customer", "email")))
    with pytest.raises(BackfillError, match="a trigger of the table undid what was written"):
        moved.run("decrypt")
    assert moved.execute(STATE).fetchall() == before


def test_encrypt_twice_changes_nothing(world: World) -> None:
    """What has a pair keeps its very bytes."""
    world.fill(20)
    world.run()
    before = world.state()
    assert world.run().rows_done == 0
    assert world.state() == before


def test_the_blanks_of_a_char_are_no_difference(make_world: MakeWorld) -> None:
    """PostgreSQL pads what a writer of both gave; the pair holds what was given."""
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, email char(8))")
    dek, content = envelope().seal_many(["short"], world.move.context)[0]
    insert = "INSERT INTO customer VALUES (1, 'short', %s, %s), (2, 'other', NULL, NULL)"
    world.execute(insert, [content, dek])
    assert world.run().rows_done == 1
    assert world.run("verify").state == "done"


def test_large_values_come_a_few_at_a_time(world: World) -> None:
    """However many rows a batch may have: nothing is known of their size before the first."""
    world.execute("ALTER TABLE customer ALTER email SET STORAGE EXTERNAL")
    world.fill(200)
    world.execute("UPDATE customer SET email = repeat('é', 400000) WHERE id % 20 = 0")
    read: list[int] = []
    report = world.run(
        pace=Pace(least=100, most_bytes=2**21), progress=lambda now: read.append(now.rows_done)
    )
    assert (report.rows_done, world.wrong()) == (200, 0)
    assert max(after - before for before, after in pairwise(read)) <= 60, "two large ones are the most"
    assert world.run("verify", pace=Pace(most_bytes=2**21)).state == "done"
