"""A model that maps the shared sibling: the ORM has the row's key at hand."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, Table, select, update
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.exc import StaleDataError

from sqlalchemy_envelope import EncryptedText

from .conftest import Sent


class Base(DeclarativeBase):
    """A model that maps the sibling, which only its author can do."""


class Guest(Base):
    __table__ = Table(
        "guest",
        Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("ssn", EncryptedText(dek="row_dek")),
        Column("email", EncryptedText(dek="row_dek")),
    )
    id = __table__.c.id
    ssn: Any = __table__.c.ssn
    email: Any = __table__.c.email
    row_key: Any = __table__.c.row_dek


def test_some_columns_need_no_read(attached: Engine) -> None:
    """Once the key was loaded with its object; after it may have changed, it is read again."""
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add_all([Guest(id=1, ssn="a", email="b"), Guest(id=2, ssn="c")])
        session.commit()
        one, two = session.scalars(select(Guest).order_by(Guest.id))
        assert one.row_key is not None
        sent = Sent(attached)
        one.ssn, two.ssn = "x", "y"
        session.flush()
        assert sent.reads == 0
        one.ssn, one.email = "all", "new"
        session.flush()
        one.email = "newer"
        session.flush()
        assert sent.reads == 1
        session.commit()
        assert [(each.ssn, each.email) for each in (one, two)] == [("all", "newer"), ("y", None)]


def test_a_key_that_changed_meanwhile_is_noticed(attached: Engine) -> None:
    """Nothing is written under a key that the row has no more."""
    Base.metadata.create_all(attached)
    with Session(attached) as session, attached.connect() as other:
        session.add(Guest(id=1, ssn="a", email="b"))
        session.commit()
        guest = session.scalars(select(Guest)).one()
        other.execute(update(Guest.__table__).values(ssn="c", email="d"))
        other.commit()
        guest.ssn = "x"
        with pytest.raises(StaleDataError):
            session.flush()
        session.rollback()
        assert (guest.ssn, guest.email) == ("c", "d")
