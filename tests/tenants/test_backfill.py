"""A move of rows of many tenants: each is sealed, proven and brought back for its own."""

from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select, update

from sqlalchemy_envelope import EncryptedText, ReadsEncrypted, attach
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.record.moves import recorded
from sqlalchemy_envelope.backfill.subject.move import Authority, Move

from ..backfill.conftest import make_world  # noqa: F401 - a fixture
from ..backfill.world import World, envelope

TABLE = "CREATE TABLE customer (id bigint PRIMARY KEY, email text, owner int, visits int DEFAULT 0)"
MOVE = Move.plan("customer", "email", into="mail", tenant="owner")
MODEL = Table(
    "customer",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("owner", Integer),
    Column("mail", EncryptedText(tenant="owner", moving=ReadsEncrypted("email", Text))),
)


def world_of_tenants(make) -> World:
    """Fifty rows of five tenants."""
    world: World = make(TABLE, MOVE)
    world.fill(50)
    world.execute("UPDATE customer SET owner = id % 5")
    return world


def opened(world: World) -> int:
    """How many rows open, by the model, as the plaintext beside them has them."""
    engine = attach(create_engine(world.database.url), envelope())
    with engine.connect() as connection:
        found = connection.execute(select(MODEL.c.id, MODEL.c.mail)).all()
        with connection.begin_nested():
            connection.execute(insert(MODEL).values(id=99, owner=7, mail="new"))
            connection.execute(update(MODEL).where(MODEL.c.owner == 7).values(mail="newer"))
            assert connection.scalar(select(MODEL.c.mail).where(MODEL.c.id == 99)) == "newer"
        connection.rollback()
    engine.dispose()
    return sum(mail == f"somebody{id_}@example.org" for id_, mail in found)


def test_each_row_moves_for_its_tenant(make_world) -> None:  # noqa: F811
    """There, proven, and back."""
    world = world_of_tenants(make_world)
    assert recorded(world.connection)[0].move == MOVE
    assert opened(world) == 50
    assert world.run().rows_done == 50
    assert opened(world) == 50
    assert world.run("verify").rows_done == 50
    world.give_authority(Authority.PAIR)
    world.run("null")
    assert opened(world) == 50
    assert world.run("decrypt").rows_done == 50
    assert world.value("SELECT count(*) FROM customer WHERE email = 'somebody' || id || '@example.org'") == 50


def test_a_row_without_a_tenant_is_set_aside(make_world) -> None:  # noqa: F811
    """Nobody could open it."""
    world = world_of_tenants(make_world)
    world.execute("UPDATE customer SET owner = NULL WHERE id = 7")
    assert world.run().rows_done == 49
    assert [(each.key, each.cause) for each in jobs.quarantined(world.connection, 1)] == [
        (("7",), "no tenant")
    ]


def test_a_row_that_changes_hands_is_pending_again(make_world) -> None:  # noqa: F811
    """An older version of the application knows nothing of the pair, which is for the tenant before."""
    world = world_of_tenants(make_world)
    world.run()
    world.execute("UPDATE customer SET owner = 77 WHERE id = 7")
    assert world.value("SELECT count(*) FROM customer WHERE mail IS NULL") == 1
    world.run()
    assert world.run("verify").rows_done == 50
