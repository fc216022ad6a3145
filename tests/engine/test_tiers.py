"""A tiered envelope on real engines: its keys lie beside the values, and a warm one is never waited for."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from sqlalchemy_envelope import (
    AwsKms,
    ConfigurationError,
    DirectKeyring,
    Envelope,
    KeyProviderError,
    TieredKeyring,
    attach,
    detach,
)
from sqlalchemy_envelope.errors import RevokedError, ShreddedError
from sqlalchemy_envelope.keystore import SqlKeyStore, install
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from ..fixtures.postgresql import Database
from .conftest import Person

pytestmark = pytest.mark.usefixtures("schema")
ROWS = [{"name": f"name {n}", "phone": f"phone {n}"} for n in range(100)]
NAMES = select(Person.name, Person.phone).order_by(Person.id)


@pytest.fixture
def tiered(kms: FakeKms) -> Envelope:
    """Without a store of its own."""
    return Envelope(TieredKeyring(kms))


@pytest.fixture
def filled(engine: Engine, kms: FakeKms, tiered: Envelope) -> Engine:
    """A hundred people, under one key."""
    with engine.begin() as connection:
        install(connection)
    attach(engine, tiered)
    with engine.begin() as connection, kms_calls(kms, generate=1, unwrap=0):
        connection.execute(insert(Person), ROWS)
    return engine


def again(engine: Engine, kms: FakeKms) -> Envelope:
    """Another process's envelope in the place of this one's."""
    detach(engine)
    envelope = Envelope(TieredKeyring(kms))
    attach(engine, envelope)
    return envelope


def names(engine: Engine) -> list[tuple[str | None, ...]]:
    """What a SELECT gives."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(NAMES)]


EXPECTED = [(row["name"], row["phone"]) for row in ROWS]


def test_a_select_costs_a_call_a_key(filled: Engine, kms: FakeKms) -> None:
    """Two hundred values, one call when cold and none when warm."""
    again(filled, kms)
    for calls in (1, 0):
        with kms_calls(kms, generate=0, unwrap=calls):
            assert names(filled) == EXPECTED


def test_64_threads_select_cold_with_one_call(filled: Engine, kms: FakeKms, database: Database) -> None:
    """All at once; not one more."""
    engine = create_engine(database.url(), pool_size=8, max_overflow=0)
    attach(engine, Envelope(TieredKeyring(kms)))
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(names(engine))) for _ in range(64)]
    with kms_calls(kms, generate=0, unwrap=1):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == [EXPECTED] * 64
    engine.dispose()


def test_a_request_with_the_pools_last_connection_gets_its_key(
    filled: Engine, kms: FakeKms, database: Database
) -> None:
    """The store has connections of its own."""
    engine = create_engine(database.url(), pool_size=1, max_overflow=0, pool_timeout=2)
    attach(engine, Envelope(TieredKeyring(kms)))
    with engine.begin() as connection:
        assert len(connection.execute(NAMES).all()) == 100
        connection.execute(insert(Person), ROWS[:1])
    engine.dispose()


async def test_asynchronous_engines_find_their_store(
    filled: Engine, async_engine: AsyncEngine, kms: FakeKms
) -> None:
    """Sixteen tasks on a cold key, writing and reading, make one call."""
    attach(async_engine, Envelope(TieredKeyring(kms)))

    async def select_and_insert() -> int:
        async with async_engine.begin() as connection:
            rows = (await connection.execute(NAMES.limit(100))).all()
            await connection.execute(insert(Person), ROWS[:2])
            return len(rows)

    kms.delay = 0.05
    with kms_calls(kms, generate=0, unwrap=1):
        assert set(await asyncio.gather(*(select_and_insert() for _ in range(16)))) == {100}


async def test_rows_in_a_stream_open(filled: Engine, async_engine: AsyncEngine, kms: FakeKms) -> None:
    """A server-side cursor, chunk by chunk."""
    attach(async_engine, Envelope(TieredKeyring(kms)))
    with kms_calls(kms, unwrap=1):
        async with async_engine.connect() as connection:
            result = await connection.stream(NAMES, execution_options={"yield_per": 7})
            assert [tuple(row) async for row in result] == EXPECTED


def test_a_rolled_back_insert_leaves_its_key(engine: Engine, kms: FakeKms, tiered: Envelope) -> None:
    """The key is made in a transaction of its own, before anything is written under it."""
    with engine.begin() as connection:
        install(connection)
    attach(engine, tiered)
    with engine.connect() as connection:
        connection.execute(insert(Person), ROWS)
        connection.rollback()
    with engine.begin() as connection, kms_calls(kms, generate=0):
        assert connection.scalar(text("select count(*) from envelope.key")) == 1
        connection.execute(insert(Person), ROWS)


@pytest.mark.parametrize(("state", "error"), [("revoked", RevokedError), ("destroyed", ShreddedError)])
def test_a_closed_key_raises_its_own_error(
    filled: Engine, kms: FakeKms, state: str, error: type[Exception]
) -> None:
    """After `purge_cache` at once, and a write makes the next key."""
    gone = ", wrapped = '{}', wrapped_by = '{}'" if state == "destroyed" else ""
    with filled.begin() as connection:
        connection.execute(text(f"update envelope.key set state = '{state}'{gone}"))
    again(filled, kms).purge_cache()
    with pytest.raises(error, match=r"person\.name"):
        names(filled)
    with filled.begin() as connection, kms_calls(kms, generate=1):
        connection.execute(insert(Person), ROWS[:1])


def test_without_the_table_it_says_what_to_do(engine: Engine, tiered: Envelope) -> None:
    """Before anything is written."""
    attach(engine, tiered)
    with engine.begin() as connection, pytest.raises(ConfigurationError, match="create_key_store"):
        connection.execute(insert(Person), ROWS)


def test_keys_never_lie_in_another_database_than_values(
    engine: Engine, filled: Engine, tiered: Envelope
) -> None:
    """An envelope attached to two, unless it says where."""
    attach(create_engine(filled.url), tiered)
    elsewhere = create_engine(filled.url.set(database="elsewhere"))
    with pytest.raises(ConfigurationError, match="database of another engine"):
        attach(elsewhere, tiered)
    attach(elsewhere, Envelope(TieredKeyring(FakeKms(), store=SqlKeyStore(engine))))


def test_a_table_may_hold_tiers_and_direct_values(filled: Engine, kms: FakeKms) -> None:
    """Written by processes of one setting and another, read by both that know tiers."""
    detach(filled)
    attach(filled, Envelope(DirectKeyring(kms)))
    with filled.begin() as connection, kms_calls(kms, generate=4, unwrap=0):
        connection.execute(insert(Person), ROWS[:2])
    again(filled, kms)
    with kms_calls(kms, unwrap=5, generate=0):
        assert names(filled) == EXPECTED + EXPECTED[:2]
        assert names(filled) == EXPECTED + EXPECTED[:2]


@pytest.fixture
def counted(kms_key_arn: str) -> Iterator[tuple[AwsKms, list[str]]]:
    """AWS KMS by boto3, and the operations that went to it."""
    import boto3

    client, sent = boto3.client("kms"), []
    client.meta.events.register("before-call.kms", lambda model, **_: sent.append(model.name))
    yield AwsKms(kms_key_arn, client), sent
    client.close()


def test_boto3_is_called_once_a_key(engine: Engine, counted: tuple[AwsKms, list[str]]) -> None:
    """The real client and a server: one GenerateDataKey to write, one Decrypt to read elsewhere."""
    provider, sent = counted
    with engine.begin() as connection:
        install(connection)
    attach(engine, Envelope(TieredKeyring(provider)))
    with engine.begin() as connection:
        connection.execute(insert(Person), ROWS)
    assert names(engine) == EXPECTED
    detach(engine)
    attach(engine, Envelope(TieredKeyring(provider)))
    assert names(engine) == names(engine) == EXPECTED
    assert sent == ["GenerateDataKey", "Decrypt"]


def test_rows_whose_keys_are_live_stay_as_they_came(
    filled: Engine, kms: FakeKms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is rebuilt, and the store is not asked."""
    asked: list[object] = []
    names(filled)
    event.listen(filled, "before_cursor_execute", lambda *_: asked.append(_))
    monkeypatch.setattr("sqlalchemy_envelope.reading.prefetch._row", lambda *_: pytest.fail("rebuilt"))
    assert names(filled) == EXPECTED
    assert len(asked) == 1


def test_an_outage_ends_a_write_with_an_error_to_retry(
    engine: Engine, kms: FakeKms, tiered: Envelope
) -> None:
    """Nothing is written and nothing is kept of it."""
    with engine.begin() as connection:
        install(connection)
    attach(engine, tiered)
    kms.throttle(times=1)
    with engine.begin() as connection, pytest.raises(KeyProviderError) as caught:
        connection.execute(insert(Person), ROWS)
    assert caught.value.retryable
    with engine.begin() as connection:
        connection.execute(insert(Person), ROWS)
    assert names(engine) == EXPECTED
