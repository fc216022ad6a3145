"""Rotation of values that are bound to a tenant: each row in the context of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, Integer, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import TENANT, EncryptedText, Envelope, StaticKey, TieredKeyring, attach, tenant
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.errors import ConfigurationError
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.rotation import rewrap_column, rotate, rotate_kek, rotation_of

from ..fixtures.postgresql import Database

COMPANIES = (7, 8, 9)


class Base(DeclarativeBase):
    """Of these tests."""


class Note(Base):
    """One with a tenant in its row, and one that has it from where it was written."""

    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(EncryptedText(tenant="company"))
    title: Mapped[str | None] = mapped_column(EncryptedText(tenant=TENANT))


def tiers() -> Envelope:
    """Of one more process; its store is where its engine, or job, is."""
    return Envelope(TieredKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """With two notes of each company, and one whose title has no value."""
    engine = attach(create_engine(database.url()), tiers())
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        install(connection)
    for company in COMPANIES:
        with tenant(company), Session(engine) as session:
            for n in (company, company * 10):
                session.add(
                    Note(id=n, company=company, body=f"body {n}", title=f"title {n}" if n != 80 else None)
                )
            session.commit()
    yield engine
    engine.dispose()


def readable(engine: Engine) -> list[Any]:
    """What each company reads of its own."""
    found: list[Any] = []
    for company in COMPANIES:
        with tenant(company), Session(engine) as session:
            query = select(Note.id, Note.body, Note.title).where(Note.company == company).order_by(Note.id)
            found += [tuple(row) for row in session.execute(query)]
    return found


@pytest.mark.parametrize("kind", [Kind.REWRAP, Kind.REENCRYPT])
def test_each_row_is_done_in_its_own_context(engine: Engine, kind: Kind) -> None:
    """Under new keys of every tenant; where no column tells it, the key that wrapped a value does."""
    before = readable(engine)
    keyring = tiers().keyring
    new = {str(company): rotate_kek(engine, keyring, str(company)) for company in COMPANIES}
    for what, rows in ((Note.body, 6), (Note.title, 5)):
        assert rotate(Place.of(engine), tiers, rotation_of(what), kind).rows_done == rows
    with engine.connect() as connection:
        for name in ("body", "title"):
            query = f"SELECT DISTINCT company, substr({name}_dek, 4, 16) FROM note WHERE {name} IS NOT NULL"
            found = {(company, bytes(key)) for company, key in connection.exec_driver_sql(query)}
            assert found == {(company, new[str(company)].bytes) for company in COMPANIES}
    fresh = attach(create_engine(engine.url), tiers())
    assert readable(fresh) == before
    fresh.dispose()


@pytest.mark.parametrize("column", [Note.body, Note.title], ids=["column", "key"])
def test_one_tenant_may_be_chosen(engine: Engine, column: object) -> None:
    """The values of the others stay as they are."""
    keyring = tiers().keyring
    for company in COMPANIES:
        rotate_kek(engine, keyring, str(company))
    chosen = rotation_of(column, only_tenant="7")
    assert rotate(Place.of(engine), tiers, chosen, Kind.REENCRYPT).rows_done == 2
    assert rotate(Place.of(engine), tiers, rotation_of(column), Kind.REENCRYPT).rows_done in {3, 4}
    assert len(readable(engine)) == 6


def test_a_tenant_comes_from_one_place(engine: Engine) -> None:
    """And where the model's is not said, no value unwraps: nothing is written."""
    with pytest.raises(ConfigurationError, match="one of them"):
        rotation_of(Note.title, tenant="company")
    rotate_kek(engine, tiers().keyring, "7")
    report = rewrap_column(engine, tiers, "note", "body")
    assert (report.rows_done, report.rows_quarantined) == (0, 2)
    assert len(readable(engine)) == 6
