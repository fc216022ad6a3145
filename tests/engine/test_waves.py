"""One wave of KMS calls a statement, each distinct key once; none while rows are processed."""

import asyncio
import time

import pytest
from sqlalchemy import Engine, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sqlalchemy_envelope import DecryptionError, DirectKeyring, Envelope, KeyProviderError, attach
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from .conftest import Person

pytestmark = pytest.mark.usefixtures("schema")
ROWS = [{"name": f"name {n}", "phone": f"phone {n}"} for n in range(10)]


@pytest.fixture
def filled(engine: Engine, kms: FakeKms, kms_envelope: Envelope) -> Engine:
    """Ten people written; what was called for that is forgotten."""
    attach(engine, kms_envelope)
    with engine.begin() as connection:
        connection.execute(insert(Person), ROWS)
    kms_envelope.keyring.purge_cache()
    return engine


def test_a_flush_makes_one_key_a_value(engine: Engine, kms: FakeKms, kms_envelope: Envelope) -> None:
    """And unwraps none: NULLs cost nothing."""
    attach(engine, kms_envelope)
    with Session(engine) as session, kms_calls(kms, generate=3, unwrap=0):
        session.add_all([Person(name="Ada", phone="1"), Person(name="Bob")])
        session.flush()


def test_a_batch_over_two_columns_is_one_wave(engine: Engine, kms: FakeKms, kms_envelope: Envelope) -> None:
    """Twenty values of 0.3 s each, all under way at once."""
    attach(engine, kms_envelope)
    kms.delay = 0.3
    with engine.begin() as connection, kms_calls(kms, generate=20, unwrap=0):
        started = time.perf_counter()
        connection.execute(insert(Person), ROWS)
        assert time.perf_counter() - started < 0.3 * 20 / 2
    assert kms.most_at_once == 20


def test_a_select_unwraps_each_key_once(filled: Engine, kms: FakeKms) -> None:
    """Also where a row comes several times, and from the cache the second time."""
    twice = select(Person.name, Person.phone).union_all(select(Person.name, Person.phone))
    with filled.connect() as connection:
        with kms_calls(kms, generate=0, unwrap=20):
            assert len(connection.execute(twice).all()) == 20
        with kms_calls(kms, generate=0, unwrap=0):
            assert len(connection.execute(twice).all()) == 20


def test_arrays_are_prefetched_too(filled: Engine, kms: FakeKms) -> None:
    """The cells inside an array_agg go into the same wave."""
    kms.delay = 0.3
    with filled.connect() as connection, kms_calls(kms, generate=0, unwrap=10):
        names = connection.scalar(select(func.array_agg(Person.name)))
    assert sorted(names or []) == sorted(row["name"] for row in ROWS)
    assert kms.most_at_once >= 10


def test_returning_and_textual_rows_are_prefetched(filled: Engine, kms: FakeKms) -> None:
    """RETURNING of an executemany, of an update, and text() with the pair."""
    with filled.begin() as connection, kms_calls(kms, generate=20, unwrap=10):
        made = connection.scalars(insert(Person).returning(Person.name, sort_by_parameter_order=True), ROWS)
        assert made.all() == [row["name"] for row in ROWS]
    joined = (
        "select id, coalesce(name_dek || name, name_dek, name) as name from person where id < 4 order by id"
    )
    with filled.connect() as connection, kms_calls(kms, generate=0, unwrap=3):
        statement = text(joined).columns(Person.id, Person.name)
        assert connection.execute(statement).all() == [(n + 1, f"name {n}") for n in range(3)]


def test_yield_per_makes_one_wave_a_chunk(filled: Engine, kms: FakeKms) -> None:
    """Four rows at a time: each chunk's keys are fetched with the chunk and not before."""
    with Session(filled) as session:
        result = session.scalars(select(Person.name).execution_options(yield_per=4))
        chunks = result.partitions()
        for expected in (4, 4, 2):
            with kms_calls(kms, generate=0, unwrap=expected):
                assert len(next(chunks)) == expected


def test_a_chunk_that_does_not_open_closes_its_cursor(
    filled: Engine, kms: FakeKms, caplog: pytest.LogCaptureFixture
) -> None:
    """And SQLAlchemy has nothing to say of it in its log."""
    with Session(filled) as session:
        chunks = session.scalars(select(Person.name).execution_options(yield_per=4)).partitions()
        next(chunks)
        kms.deny()
        with pytest.raises(KeyProviderError):
            next(chunks)
    assert caplog.records == []


def test_keys_travel_with_rows_when_the_cache_is_too_small(engine: Engine, kms: FakeKms) -> None:
    """A cache of one entry changes nothing: no row needs a second call."""
    attach(engine, Envelope(DirectKeyring(kms, cache_entries=1)))
    with engine.begin() as connection:
        connection.execute(insert(Person), ROWS)
        with kms_calls(kms, generate=0, unwrap=20):
            assert len(connection.execute(select(Person.name, Person.phone)).all()) == 10


def test_a_failing_kms_writes_nothing(engine: Engine, kms: FakeKms, kms_envelope: Envelope) -> None:
    """Not one row of the batch, and the error says whether to try again."""
    attach(engine, kms_envelope)
    kms.throttle(after=5)
    with engine.connect() as connection:
        with pytest.raises(KeyProviderError) as caught:
            connection.execute(insert(Person), ROWS)
        assert caught.value.retryable
        kms.recover()
        assert connection.scalar(select(func.count()).select_from(Person)) == 0
        connection.execute(insert(Person), ROWS)
        assert connection.scalar(select(func.count()).select_from(Person)) == 10


def test_a_denied_read_leaves_the_connection_usable(filled: Engine, kms: FakeKms) -> None:
    """The transaction is not lost, nothing was cached, and the next try reads."""
    with filled.connect() as connection:
        kms.deny()
        with pytest.raises(KeyProviderError):
            connection.execute(select(Person.name))
        kms.recover()
        assert len(connection.execute(select(Person.name)).all()) == 10


def test_a_moved_pair_never_opens(filled: Engine) -> None:
    """A pair copied to another column: its key was wrapped for the other's sibling."""
    with filled.begin() as connection:
        connection.execute(text("update person set phone = name, phone_dek = name_dek"))
        with pytest.raises(DecryptionError, match=r"person\.phone"):
            connection.execute(select(Person.phone)).all()


class TestEventLoop:
    """Under an async engine the loop runs on while a KMS takes 200 ms."""

    async def test_writing_and_reading_leave_the_loop_alone(
        self, async_engine: AsyncEngine, kms: FakeKms, kms_envelope: Envelope
    ) -> None:
        """A heartbeat of 5 ms is not late by a call: twice at most, by this machine's own doing."""
        attach(async_engine, kms_envelope)
        kms.delay = 0.2
        late: list[float] = []
        beating = asyncio.create_task(_heartbeat(late))
        async with AsyncSession(async_engine) as session:
            session.add_all([Person(**row) for row in ROWS])
            await session.commit()
            kms_envelope.keyring.purge_cache()
            session.expunge_all()
            people = (await session.scalars(select(Person))).all()
            assert sorted(person.name for person in people) == sorted(row["name"] for row in ROWS)
            kms_envelope.keyring.purge_cache()
            streamed = await session.stream_scalars(select(Person.phone).execution_options(yield_per=5))
            assert len([phone async for phone in streamed]) == 10
        beating.cancel()
        assert kms.generated == 20
        assert len(late) > 50  # it did beat, through about a second of calls
        assert sorted(late)[-3] < 0.2  # a wave that held the loop up would do so four times

    async def test_plain_connections_prefetch_in_the_greenlet(
        self, async_engine: AsyncEngine, kms: FakeKms, kms_envelope: Envelope
    ) -> None:
        """AsyncConnection.execute processes rows where nothing could be awaited."""
        attach(async_engine, kms_envelope)
        async with async_engine.begin() as connection:
            await connection.execute(insert(Person), ROWS)
            kms_envelope.keyring.purge_cache()
            with kms_calls(kms, generate=0, unwrap=10):
                assert len((await connection.execute(select(Person.name))).all()) == 10
            kms_envelope.keyring.purge_cache()
            with kms_calls(kms, generate=0, unwrap=10):
                async with connection.stream(select(Person.phone)) as streamed:
                    assert len(await streamed.all()) == 10
            with kms_calls(kms, generate=1, unwrap=0):
                await connection.execute(update(Person).where(Person.id == 1).values(name="new"))


async def _heartbeat(late: list[float], every: float = 0.005) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(every)
        late.append(time.perf_counter() - started - every)
