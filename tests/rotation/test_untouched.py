"""A rotation is the database's own business: no ORM event fires, and no `onupdate` is applied."""

from typing import Any

import pytest
from sqlalchemy import Text, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, attach
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.errors import ConfigurationError
from sqlalchemy_envelope.rotation.columns import reencrypt_column, rewrap_column, rotate, rotation_of
from sqlalchemy_envelope.rotation.needs import needs_rewrap

from ..fixtures.postgresql import Database
from .world import NEW, OLD, after, before


class Base(DeclarativeBase):
    """Of these tests."""


class Note(Base):
    """One that keeps when, and by whom, it was changed."""

    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str | None] = mapped_column(EncryptedText(dek="wrapped", context="notes.text"))
    changed: Mapped[str] = mapped_column(Text, default="at first", onupdate="by an update")


def test_onupdate_columns_and_listeners_are_untouched(database: Database) -> None:
    """While the model's own writes do both."""
    engine = attach(create_engine(database.url()), before())
    Base.metadata.create_all(engine)
    seen: list[str] = []
    event.listen(Note, "before_update", lambda *_: seen.append("mapper"))
    with Session(engine) as session:
        session.add_all(Note(id=n, body=f"note {n}") for n in range(5))
        session.commit()
        session.get_one(Note, 0).body = "another"
        session.commit()
    assert seen == ["mapper"]
    event.listen(engine, "before_cursor_execute", lambda *_: seen.append("engine"))
    where: dict[str, Any] = {"dek": "wrapped", "context": "notes.text"}
    assert rewrap_column(engine, after, "note", "body", **where).rows_done == 5
    back = Envelope(DirectKeyring(StaticKey(OLD, previous=[NEW])))
    assert reencrypt_column(engine, back, "note", "body", **where).rows_done == 5
    assert seen == ["mapper"]
    with Session(engine) as session:
        found = session.execute(select(Note.body, Note.changed).order_by(Note.id)).all()
    assert found == [("another", "by an update"), *((f"note {n}", "at first") for n in range(1, 5))]
    engine.dispose()


def test_the_model_says_what_it_is_about(database: Database) -> None:
    """`rotation_of`, and `needs_rewrap` in queries of one's own, of an alias too, count what is left."""
    engine = attach(create_engine(database.url()), before())
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Note(id=n, body=f"note {n}" if n else None) for n in range(5))
        session.commit()
        stale, other = needs_rewrap(Note.body, after().keyring), aliased(Note)
        query = select(func.count()).select_from(Note).where(stale)
        of_alias = select(other.id).where(needs_rewrap(other.body, after().keyring)).order_by(other.id)
        assert session.scalar(query) == 4
        assert session.scalars(of_alias).all() == [1, 2, 3, 4]
        assert session.execute(select(Note.id, stale).order_by(Note.id)).all()[:2] == [(0, None), (1, True)]
        assert session.scalar(query.where(needs_rewrap(Note.body, before().keyring))) == 0
        rotate(Place.of(engine), after, rotation_of(Note.body), Kind.REWRAP)
        session.rollback()
        assert session.scalar(query) == 0
    with pytest.raises(ConfigurationError, match="no encrypted column"):
        needs_rewrap(Note.changed, after().keyring)
    engine.dispose()
