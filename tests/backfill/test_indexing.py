"""Blind indexes of values that are stored already: every row is found, and none by a value that is gone."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import (
    BlindIndex,
    ConfigurationError,
    DirectKeyring,
    EncryptedDate,
    EncryptedText,
    Envelope,
    Padding,
    StaticKey,
    attach,
    last,
)
from sqlalchemy_envelope.backfill.moving.indexing import add_index, count, drop_index, fill_index
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.record.fills import recorded
from sqlalchemy_envelope.backfill.subject.declared import fills_of
from sqlalchemy_envelope.backfill.subject.fill import Fill
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.pairs import pairs_of
from sqlalchemy_envelope.rotation.columns import reencrypt_column, rewrap_column

from ..fixtures.postgresql import Database as Fixture

KEY, OLD = os.urandom(32), os.urandom(32)


def envelope() -> Envelope:
    """Of the processes under test."""
    return Envelope(DirectKeyring(StaticKey(KEY, previous=[OLD])))


def model(*, indexed: bool) -> Any:
    """Patients, before and after the version of the application that has the indexes."""

    class Base(DeclarativeBase):
        pass

    def of(*indexes: BlindIndex) -> Any:
        return {"index": indexes} if indexed else {}

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True)
        ward: Mapped[str]
        ssn: Mapped[str | None] = mapped_column(
            EncryptedText(pad=Padding(16), **of(BlindIndex(unique=True), BlindIndex(last(4), name="last4")))
        )
        name: Mapped[str | None] = mapped_column(
            EncryptedText(tenant="ward", **of(BlindIndex(columns=("name", "born"), name="person_bidx")))
        )
        born: Mapped[dt.date | None] = mapped_column(EncryptedDate(tenant="ward"))

    return Patient


BEFORE, AFTER = model(indexed=False), model(indexed=True)
FILLS = [fill for pair in pairs_of(AFTER.__table__).values() for fill in fills_of(pair)]
SSN, LAST4, PERSON = FILLS
DAY = dt.date(1980, 2, 29)


class World:
    """The table as the old version made it, with an engine of either version's."""

    def __init__(self, fixture: Fixture) -> None:
        url = fixture.url()
        self.engine: Engine = attach(create_engine(url), envelope())
        self.database = Database.of(url)
        BEFORE.metadata.create_all(self.engine)
        rows = [
            {"id": n, "ward": "ab"[n % 2], "ssn": f"078-05-{n:04}", "name": f"name {n // 2}", "born": DAY}
            for n in range(1, 41)
        ]
        with self.engine.begin() as connection:
            connection.execute(insert(BEFORE), [*rows, {**rows[0], "id": 41, "ssn": None, "name": None}])

    def fill(self, *fills: Fill) -> None:
        """All indexes, or some, added and filled."""
        for each in fills or FILLS:
            add_index(self.database, each)
            fill_index(self.database, each, envelope)

    def found(self, *where: Any, **options: Any) -> list[int]:
        """The rows that a search of the new version finds."""
        with Session(self.engine.execution_options(**options)) as session:
            return list(session.scalars(select(AFTER.id).where(*where).order_by(AFTER.id)))

    def missed(self) -> list[int]:
        """Rows with a number that a search for it does not find."""
        with Session(self.engine) as session:
            known = session.execute(select(AFTER.id, AFTER.ssn).where(AFTER.ssn.is_not(None))).all()
        return [id_ for id_, ssn in known if self.found(AFTER.ssn == ssn) != [id_]]

    def rows(self, query: str) -> list[Any]:
        """What SQL of nobody's model gives."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def run(self, statement: str) -> None:
        """SQL of nobody's model."""
        with self.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture
def world(database: Fixture) -> Iterator[World]:
    """Forty patients, and one who has no number and no name."""
    made = World(database)
    yield made
    made.engine.dispose()


def test_what_was_stored_before_is_found(world: World) -> None:
    """By each index: alone, by an expression, together, of a tenant; and all is proven."""
    world.fill()
    assert world.missed() == []
    assert world.found(AFTER.ssn.by("last4") == "0007") == [7]
    person = AFTER.name.by("person_bidx") == ("name 3", DAY)
    assert world.found(AFTER.ward == "a", person) == [6]
    assert world.found(AFTER.ward == "b", person) == [7]
    with world.database.asked("test") as connection:
        assert all(each.verified_at for each in recorded(connection))
        assert [each.fill for each in recorded(connection)] == FILLS


def test_it_may_run_again_and_writes_nothing_then(world: World) -> None:
    """Also where it was stopped before the real index was there."""
    world.fill(SSN)
    world.run("DROP INDEX ix_patient_ssn_bidx")
    digests = "SELECT ssn_bidx, xmin::text FROM patient ORDER BY id"
    before = world.rows(digests)
    world.fill(SSN)
    assert before == world.rows(digests)
    unique = "SELECT indisunique FROM pg_index WHERE indexrelid = 'ix_patient_ssn_bidx'::regclass"
    assert world.rows(unique) == [(True,)]


def test_a_writer_that_does_not_know_the_index_leaves_no_stale_digest(world: World) -> None:
    """What it wrote is pending, and found once that is filled."""
    world.fill(SSN)
    with world.engine.begin() as connection:
        connection.execute(update(BEFORE).where(BEFORE.id == 7).values(ssn="new"))
        connection.execute(insert(BEFORE).values(id=50, ward="a", ssn="newer"))
    assert world.found(AFTER.ssn == "078-05-0007") == []
    assert count(world.database, SSN) == 2
    fill_index(world.database, SSN, envelope)
    assert world.found(AFTER.ssn.in_(["new", "newer"])) == [7, 50]
    assert world.missed() == []


def test_the_same_value_written_again_keeps_its_digests(world: World) -> None:
    """By a writer that names them, and by a rotation, which seals anew what stays the same."""
    world.fill()
    with world.engine.begin() as connection:
        connection.execute(update(AFTER).where(AFTER.id == 7).values(ssn="078-05-0007"))
    rewrap_column(world.database, envelope, "patient", "ssn")
    world.run("UPDATE patient SET ward = ward")
    assert [count(world.database, each) for each in FILLS] == [0, 0, 0]


def test_a_rotation_leaves_digests_alone(world: World) -> None:
    """Under another key for values; that of the index is another matter."""
    old = attach(create_engine(world.engine.url), Envelope(DirectKeyring(StaticKey(OLD))))
    with old.begin() as connection:
        connection.execute(insert(BEFORE), [{"id": n, "ward": "a", "ssn": f"old {n}"} for n in range(60, 70)])
    old.dispose()
    world.fill(SSN)
    assert reencrypt_column(world.database, envelope, "patient", "ssn").rows_done == 10
    assert count(world.database, SSN) == 0
    assert world.missed() == []


def test_equal_values_of_a_unique_index_are_told(world: World) -> None:
    """Their keys stand in the quarantine; one of them has the digest."""
    with world.engine.begin() as connection:
        connection.execute(update(BEFORE).where(BEFORE.id == 9).values(ssn="078-05-0008"))
    add_index(world.database, SSN)
    with pytest.raises(BackfillError, match="1 rows are in quarantine"):
        fill_index(world.database, SSN, envelope)
    with world.database.asked("test") as connection:
        (job,) = jobs.jobs(connection)
        (row,) = jobs.quarantined(connection, job.id)
    assert (row.key, row.cause) == (("9",), "UniqueViolation 23505")


def test_verification_finds_a_wrong_digest(world: World) -> None:
    """By key and cause."""
    world.fill(LAST4)
    world.run("UPDATE patient SET last4 = set_byte(last4, 9, 1) WHERE id = 5")
    world.run("UPDATE patient SET last4 = set_byte(last4, 9, 2) WHERE id = 5")
    world.run("UPDATE envelope.fill SET verified_at = NULL")
    with pytest.raises(BackfillError, match="1 rows are not what they should be"):
        fill_index(world.database, LAST4, envelope)


def test_an_index_goes_with_all_that_it_had(world: World) -> None:
    """Column, real index, trigger, functions, record."""
    world.fill()
    for each in FILLS:
        drop_index(world.database, each)
    columns = (
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'patient'::regclass AND attname ~ 'bidx|last4'"
    )
    assert world.rows(columns) == [(0,)]
    assert world.rows("SELECT count(*) FROM envelope.fill") == [(0,)]
    assert world.rows("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]


REFUSED: dict[str, tuple[Callable[[], Fill], str]] = {
    "no pair": (lambda: Fill.plan("patient", "ward"), "ward is pg_catalog"),
    "no table": (lambda: Fill.plan("nobody", "ssn"), "no table"),
    "another column": (lambda: Fill.plan("patient", "ssn", BlindIndex(name="born")), "holds something else"),
    "no tenant": (lambda: Fill.plan("patient", "ssn", tenant="nobody"), "no column nobody"),
}


def test_what_can_not_be_indexed_is_refused(world: World) -> None:
    """Before anything is done."""
    for made, reason in REFUSED.values():
        with pytest.raises(ConfigurationError, match=reason):
            add_index(world.database, made())
