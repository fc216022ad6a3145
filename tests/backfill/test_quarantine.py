"""A row that can't be moved is set aside by key and cause; the job goes on without it."""

import pytest

from sqlalchemy_envelope import DirectKeyring, Envelope
from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.record.jobs import QuarantinedRow
from sqlalchemy_envelope.backfill.rows.sources import CallableSource, ExpressionSource
from sqlalchemy_envelope.backfill.subject.move import Authority
from sqlalchemy_envelope.errors import BackfillError, KeyProviderError
from sqlalchemy_envelope.testing import FakeKms

from .conftest import MakeWorld
from .world import World, envelope

PACE = Pace(least=16, most=16, patience=5.0)
BAD = {3, 40, 41, 77}


def refuse(value: str) -> str:
    """Fails for some numbers, with the value in its message."""
    if value.removeprefix("somebody").removesuffix("@example.org") in {str(each) for each in BAD}:
        raise LookupError(value)
    return value


def found(world: World, id_: int = 1) -> list[QuarantinedRow]:
    """What is in quarantine."""
    return jobs.quarantined(world.connection, id_)


def keys(world: World) -> set[int]:
    """The same by number."""
    return {int(row.key[0]) for row in found(world)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_value_that_a_source_can_not_read(world: World, workers: int) -> None:
    """Told by the error's class: its message holds the value."""
    world.fill(100)
    report = world.run(source=CallableSource(refuse), pace=PACE, workers=workers)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 96, 4)
    assert keys(world) == BAD
    assert {row.cause for row in found(world)} == {"LookupError"}
    assert world.wrong() == 4


def test_a_value_that_postgresql_can_not_read(world: World) -> None:
    """The reading statement fails as a whole, and is narrowed to the row."""
    world.fill(100)
    world.execute("UPDATE customer SET email = id WHERE id NOT IN (3, 40, 41, 77)")
    source = ExpressionSource("({column}::int * {factor})::text", factor=10)
    report = world.run(source=source, pace=PACE)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 96, 4)
    assert keys(world) == BAD
    assert {row.cause for row in found(world)} == {"InvalidTextRepresentation 22P02"}


def test_a_row_that_can_not_be_written(make_world: MakeWorld) -> None:
    """A constraint that it broke long ago, say: any update of it fails."""
    world = make_world()
    world.fill(100)
    world.execute("ALTER TABLE customer ADD CHECK (id NOT IN (3, 40, 41, 77)) NOT VALID")
    report = world.run(pace=PACE)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 96, 4)
    assert keys(world) == BAD
    assert {row.cause for row in found(world)} == {"CheckViolation 23514"}


def test_a_value_that_reads_as_nothing(world: World) -> None:
    """A pair of a NULL would leave the row pending for ever."""
    world.fill(10)
    assert world.run(source=CallableSource({}.get)).rows_quarantined == 10
    assert {row.cause for row in found(world)} == {"read as NULL"}


def test_a_value_that_the_column_can_not_take_back(make_world: MakeWorld) -> None:
    """Too long for what it is to be decrypted into."""
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, email varchar(24))")
    world.give_authority(Authority.PAIR)
    for number, length in enumerate([24, 25, 3]):
        cells = envelope().seal_many(["é" * length], world.move.context)[0]
        statement = "INSERT INTO customer (id, email_encrypted_dek, email_encrypted) VALUES (%s, %s, %s)"
        world.execute(statement, [number, *cells])
    report = world.run("decrypt", pace=PACE)
    assert (report.rows_done, report.rows_quarantined) == (2, 1)
    assert [(row.key, row.cause) for row in found(world)] == [(("1",), "StringDataRightTruncation 22001")]


def test_a_later_run_tries_again(world: World) -> None:
    """And what can be moved by then leaves the quarantine."""
    world.fill(100)
    world.execute("ALTER TABLE customer ADD CONSTRAINT odd CHECK (id NOT IN (3, 40, 41, 77)) NOT VALID")
    first = world.job()
    seen = []

    def heard(progress: object) -> None:
        seen.append(progress)
        if len(seen) == 7:
            jobs.pause(world.connection, first.id)

    assert world.run(pace=PACE, progress=heard).rows_quarantined == 4
    world.execute("ALTER TABLE customer DROP CONSTRAINT odd")
    jobs.resume(world.connection, first.id)
    report = world.run(pace=PACE)
    assert (report.state, report.rows_quarantined) == ("done", 0)
    assert found(world) == []
    assert jobs.job(world.connection, first.id).rows_quarantined == 0
    assert world.wrong() == 0


def test_too_many_are_no_matter_of_rows(world: World) -> None:
    """The source is wrong, then, and the job ends with that word."""
    world.fill(100)
    with pytest.raises(BackfillError, match="has over 20 rows in quarantine"):
        world.run(source=CallableSource(int), pace=Pace(least=16, most=16, quarantine=20))
    assert world.job().state == "failed"
    assert world.run().state == "done"
    assert world.wrong() == 0
    assert found(world) == []


def test_a_kms_that_denies_ends_the_job(world: World) -> None:
    """What was written stays, and the next run goes on there."""
    fake = FakeKms()
    strict = Envelope(DirectKeyring(fake))
    world.fill(50)
    fake.deny(after=20)
    with pytest.raises(KeyProviderError, match="denies"):
        world.run(envelope=lambda: strict, pace=PACE)
    job = world.job()
    assert (job.state, job.rows_done, job.error) == ("failed", 16, "the fake KMS denies access")
    fake.recover()
    assert world.run(envelope=lambda: strict, pace=PACE).state == "done"
    assert fake.generated >= 50


def test_a_kms_that_throttles_is_waited_for(world: World) -> None:
    """In smaller batches, with nothing lost and nothing in quarantine."""
    fake = FakeKms()
    strict = Envelope(DirectKeyring(fake))
    world.fill(50)
    fake.throttle(after=20, times=3)
    report = world.run(envelope=lambda: strict, pace=PACE)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 50, 0)


def test_patience_ends(world: World) -> None:
    """With the error that would not pass."""
    fake = FakeKms()
    strict = Envelope(DirectKeyring(fake))
    world.fill(5)
    fake.throttle()
    with pytest.raises(KeyProviderError, match="throttling"):
        world.run(envelope=lambda: strict, pace=Pace(patience=0.3))
    assert world.job().state == "failed"


def test_a_step_tells_of_rows_that_it_could_not_move(make_world: MakeWorld) -> None:
    """Its job is done, and they are left: the step is not at its end, and nothing is verified."""
    world = make_world()
    world.fill(5)
    world.execute("ALTER TABLE customer ADD CONSTRAINT odd CHECK (id NOT IN (1, 2, 3, 4, 5)) NOT VALID")
    with pytest.raises(BackfillError, match="5 rows can't be encrypted"):
        whole.backfill(world.database, world.move, envelope, pace=PACE)
    assert world.value("SELECT verified_at FROM envelope.move") is None
    world.execute("ALTER TABLE customer DROP CONSTRAINT odd")
    whole.backfill(world.database, world.move, envelope, pace=PACE)
    whole.swap(world.database, world.move, envelope)
    world.execute("ALTER TABLE customer ADD CONSTRAINT odd CHECK (id <> 4) NOT VALID")
    with pytest.raises(BackfillError, match="1 rows can't be set to NULL"):
        whole.drop_plaintext(world.database, world.move, pace=PACE)
    assert world.value("SELECT count(email_plaintext) FROM customer") == 1
