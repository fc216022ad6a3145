"""A move to a column that is bound to rows: each value is sealed, proven and brought back for its own."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, create_engine, insert, select, update

from sqlalchemy_envelope import (
    ConfigurationError,
    DirectKeyring,
    EncryptedText,
    Envelope,
    ReadsEncrypted,
    StaticKey,
    attach,
)
from sqlalchemy_envelope.backfill.record.jobs import jobs, quarantined
from sqlalchemy_envelope.backfill.record.moves import recorded
from sqlalchemy_envelope.backfill.subject.move import Authority, Move
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.rotation import reencrypt_column, rewrap_column
from sqlalchemy_envelope.rotation.columns import rotation_of

from ..alembic.conftest import project  # noqa: F401 - a fixture
from ..alembic.project import ENVELOPE, Project, model
from ..backfill.conftest import make_world  # noqa: F401 - a fixture
from ..backfill.world import KEY, World, envelope

TABLE = (
    "CREATE TABLE customer (book varchar(20), id bigint, email text, owner int, visits int DEFAULT 0,"
    " PRIMARY KEY (book, id))"
)
MOVE = Move.plan("customer", "email", into="mail", tenant="owner", bind_row=["id", "book"])
MODEL = Table(
    "customer",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("book", Text, primary_key=True),
    Column("owner", Integer),
    Column("mail", EncryptedText(tenant="owner", bind_row=True, moving=ReadsEncrypted("email", Text))),
)
NEW = bytes(range(7, 39))


def after() -> Envelope:
    """Under another key."""
    return Envelope(DirectKeyring(StaticKey(NEW, previous=[KEY])))


@pytest.fixture
def world(make_world: Any) -> World:  # noqa: F811
    """Forty rows of two tenants, in two books."""
    made: World = make_world(TABLE, MOVE)
    made.execute(
        "INSERT INTO customer SELECT b, n, 'somebody' || n || '@example.org', n % 2"
        " FROM generate_series(1, 20) n, unnest(ARRAY['ä', 'b']) b"
    )
    return made


def opened(world: World, envelope: Envelope) -> int:
    """How many pairs open, by the model, to what was in the table."""
    engine: Engine = attach(create_engine(world.database.url), envelope)
    with engine.connect() as connection:
        found = connection.execute(select(MODEL.c.id, MODEL.c.mail)).all()
        connection.execute(insert(MODEL).values(id=99, book="c", owner=7, mail="new"))
        new = (MODEL.c.id == 99) & (MODEL.c.book == "c") & (MODEL.c.owner == 7)
        connection.execute(update(MODEL).where(new).values(mail="newer"))
        assert connection.scalar(select(MODEL.c.mail).where(new)) == "newer"
        connection.rollback()
    engine.dispose()
    return sum(mail == f"somebody{id_}@example.org" for id_, mail in found)


def test_each_value_moves_for_its_row(world: World) -> None:
    """There, proven, rotated, and back; the order of the key is the model's."""
    assert recorded(world.connection)[0].move == MOVE
    assert world.run().rows_done == 40
    world.execute("UPDATE customer SET id = 21 WHERE id = 20 AND book = 'b'")
    assert world.value("SELECT count(*) FROM customer WHERE mail IS NULL") == 1
    world.execute("UPDATE customer SET id = 20 WHERE id = 21")
    world.run()
    assert world.run("verify").rows_done == 40
    world.give_authority(Authority.PAIR)
    world.run("null")
    assert opened(world, envelope()) == 40
    assert rewrap_column(world.database, after, "customer", "mail").rows_done == 40
    chosen = StaticKey(NEW).key_id.hex()
    assert reencrypt_column(world.database, envelope_of_both, "customer", "mail", key=chosen).rows_done == 40
    assert opened(world, envelope_of_both()) == 40
    assert world.run("decrypt", envelope=envelope_of_both).rows_done == 40
    assert world.value("SELECT count(*) FROM customer WHERE email = 'somebody' || id || '@example.org'") == 40


def envelope_of_both() -> Envelope:
    """Under the first key again; the other still opens."""
    return Envelope(DirectKeyring(StaticKey(KEY, previous=[NEW])))


def test_a_pair_of_another_row_is_found(world: World) -> None:
    """By the proof, and by re-encryption."""
    world.run()
    pair = "(SELECT mail, mail_dek FROM customer WHERE id = 1 AND book = 'b')"
    world.execute(f"UPDATE customer SET (mail, mail_dek) = {pair} WHERE id = 3 AND book = 'b'")
    assert world.run("verify").rows_quarantined == 1
    world.give_authority(Authority.PAIR)
    world.run("null")
    report = reencrypt_column(world.database, after, "customer", "mail")
    assert (report.rows_done, report.rows_quarantined) == (39, 1)
    found = quarantined(world.connection, jobs(world.connection)[-1].id)
    assert [(each.key, each.cause) for each in found] == [(("b", "3"), "DecryptionError commitment")]


def test_the_key_is_the_tables(make_world: Any) -> None:  # noqa: F811
    """Said in full, of types that bind; and a model's own rotation knows it."""
    assert rotation_of(MODEL.c.mail).row == ("id", "book")
    world: World = make_world(TABLE.replace("varchar(20)", "date"), MOVE)
    with pytest.raises((ConfigurationError, BackfillError), match="book is pg_catalog"):
        world.run()
    for given in ("id", ["id", ""], True):
        with pytest.raises(ConfigurationError, match="lists the columns of the primary key"):
            Move.plan("customer", "email", bind_row=given)  # type: ignore[arg-type]


def test_a_part_of_the_key_is_not_enough(make_world: Any) -> None:  # noqa: F811
    """Two rows would be one."""
    wrong: World = make_world(TABLE, Move.plan("customer", "email", bind_row=["id"]))
    with pytest.raises((ConfigurationError, BackfillError), match="not the primary key of customer"):
        wrong.run()


def test_autogenerate_says_the_key(project: Project) -> None:  # noqa: F811
    """There and back, and is quiet in between."""
    project.customers()
    metadata = model(Column("email", EncryptedText(bind_row=True)))
    text = project.generate(metadata)
    assert "op.encrypt_column('customer', 'email', bind_row=['id'])" in text
    project.upgrade()
    project.check(metadata)
    engine: Engine = attach(create_engine(project.database.url("psycopg")), ENVELOPE)
    with engine.connect() as connection:
        table = metadata.tables["customer"]
        read = connection.scalars(select(table.c.email).order_by(table.c.id)).all()
    engine.dispose()
    assert read == ["ada@example.org", "bea@example.org", None]
    project.downgrade("base")
    assert project.plain() == read
