"""A row's one key and its tenant: they change together."""

from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import TENANT, DirectKeyring, EncryptedText, Envelope, StaticKey, attach, tenant


class Base(DeclarativeBase):
    """One table whose rows name their tenant, one of the statement's."""


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str]
    name: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek", tenant="shop"))
    mail: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek", tenant="shop"))


class Draft(Base):
    __tablename__ = "draft"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek", tenant=TENANT))
    mail: Mapped[str | None] = mapped_column(EncryptedText(dek="row_dek", tenant=TENANT))


orders: Any = Order.__table__


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Orders of two shops."""
    attach(engine, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
    Base.metadata.create_all(engine)
    rows = [{"id": n, "shop": shop, "name": f"n{n}", "mail": f"m{n}"} for n, shop in enumerate("aab", 1)]
    with engine.begin() as connection:
        connection.execute(insert(orders), rows)
    return engine


def stored(engine: Engine) -> list[Any]:
    """What opens."""
    columns = (orders.c.id, orders.c.shop, orders.c.name, orders.c.mail)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(orders.c.id))]


def test_some_columns_of_several_tenants(filled: Engine) -> None:
    """Each under its row's key; a row of another tenant than was said is not found."""
    with Session(filled) as session:
        for order in session.scalars(select(Order)):
            order.name = f"new {order.id}"
        session.commit()
    by_key = update(orders).where(orders.c.id == bindparam("key"), orders.c.shop == bindparam("of"))
    with filled.begin() as connection:
        given = [{"key": 1, "of": "a", "new": "x"}, {"key": 3, "of": "a", "new": "y"}]
        connection.execute(by_key.values(mail=bindparam("new")), given)
    assert stored(filled) == [(1, "a", "new 1", "x"), (2, "a", "new 2", "m2"), (3, "b", "new 3", "m3")]


def test_a_row_changes_hands(filled: Engine) -> None:
    """With a new key, be it that some of its columns are NULL."""
    with Session(filled) as session:
        one, two = session.get_one(Order, 1), session.get_one(Order, 2)
        one.mail = None
        session.flush()
        one.shop = two.shop = "b"
        two.name = "moved"
        session.commit()
    assert stored(filled) == [(1, "b", "n1", None), (2, "b", "moved", "m2"), (3, "b", "n3", "m3")]


def test_tenants_of_the_context(filled: Engine) -> None:
    """The same keys, of whom the statement runs for."""
    with Session(filled) as session, tenant("a"):
        session.add(Draft(id=1, name="n", mail="m"))
        session.commit()
        session.get_one(Draft, 1).mail = "new"
        session.commit()
        found = session.get_one(Draft, 1)
        assert (found.name, found.mail) == ("n", "new")
