"""Blind indexes of values that are bound to tenants: each digested with the key of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import (
    TENANT,
    BlindIndex,
    EncryptedText,
    Envelope,
    StaticKey,
    TieredKeyring,
    attach,
    tenant,
)
from sqlalchemy_envelope.backfill.moving.indexing import add_index, count, fill_index
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.subject.declared import fills_of
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.pairs import pairs_of
from sqlalchemy_envelope.rotation.index_keys import activate_index_key, begin_index_key

from ..fixtures.postgresql import Database

COMPANIES = ("7", "8", "9")


def model(index: BlindIndex | None) -> Any:
    """With a tenant in the row, and with one from where the value was written."""

    class Base(DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        company: Mapped[str]
        body: Mapped[str] = mapped_column(EncryptedText(tenant="company", index=index))
        title: Mapped[str | None] = mapped_column(EncryptedText(tenant=TENANT, index=index))

    return Note


BEFORE, AFTER = model(None), model(BlindIndex())
BODY, TITLE = [fill for pair in pairs_of(AFTER.__table__).values() for fill in fills_of(pair)]


def tiers() -> Envelope:
    """Of one more process; its store is where its engine, or job, is."""
    return Envelope(TieredKeyring(StaticKey(bytes(range(32)))))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """With a note of each company, all of one text, and one whose title has no value."""
    engine = attach(create_engine(database.url()), tiers())
    BEFORE.metadata.create_all(engine)
    with engine.begin() as connection:
        install(connection)
    for company in COMPANIES:
        with tenant(company), Session(engine) as session:
            session.add(BEFORE(company=company, body="same", title="same" if company != "9" else None))
            session.commit()
    yield engine
    engine.dispose()


def found(engine: Engine) -> dict[str, int]:
    """By company, the notes that a search of its own finds."""
    made = {}
    for company in COMPANIES:
        with tenant(company), Session(engine) as session:
            both = (AFTER.company == company, AFTER.body == "same", AFTER.title == "same")
            made[company] = len(session.scalars(select(AFTER.id).where(*both)).all())
    return made


def test_each_row_is_digested_for_its_tenant(engine: Engine) -> None:
    """Also under a new key of one of them, which the others' rows are not touched for."""
    place = Place.of(engine)
    for fill in (BODY, TITLE):
        add_index(place, fill)
        fill_index(place, fill, tiers)
    with engine.connect() as connection:
        digests = connection.execute(
            text("SELECT count(DISTINCT body_bidx), count(title_bidx) FROM note")
        ).one()
    assert tuple(digests) == (3, 2)
    assert found(engine) == {"7": 1, "8": 1, "9": 0}
    begin_index_key(engine, tiers().keyring, "note.body_bidx", "8")
    activate_index_key(engine, "note.body_bidx", "8", after=0.0)
    assert count(place, BODY) == 1
    fill_index(place, BODY, tiers)
    fresh = attach(create_engine(engine.url), tiers())
    assert found(fresh) == {"7": 1, "8": 1, "9": 0}
    fresh.dispose()
