"""Versions of one application in neighbouring states, alive together on one table."""

from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sqlalchemy_envelope import (
    DirectKeyring,
    EncryptedOnly,
    EncryptedText,
    Envelope,
    ReadsEncrypted,
    ReadsPlaintext,
    attach,
)
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from ..fixtures.postgresql import Database
from .customers import SECRET, TRIGGER, customer, make_table, old_customer, stored

READS_PLAINTEXT = customer(ReadsPlaintext("email"))
READS_ENCRYPTED = customer(ReadsEncrypted("email"))
ENCRYPTED_ONLY = customer(EncryptedOnly("email"))
SETTLED = customer(None)
OLD = old_customer()


@pytest.fixture
def table(attached: Engine) -> Engine:
    """The table with its trigger."""
    make_table(attached)
    with attached.begin() as connection:
        connection.exec_driver_sql(TRIGGER)
    return attached


def write(engine: Engine, model: Any, **values: Any) -> None:
    """One version of the application writes row 1, by an object of its own."""
    with Session(engine) as session:
        found = session.get(model, 1) or model(id=1)
        for name, value in values.items():
            setattr(found, name, value)
        session.add(found)
        session.commit()


def read(engine: Engine, *models: Any) -> list[Any]:
    """What each version reads there."""
    read = []
    for model in models:
        with Session(engine) as session:
            read.append(session.get_one(model, 1).email)
    return read


def test_the_old_version_and_the_first_two_states_see_one_another(table: Engine) -> None:
    """Whoever writes: what the old version changes is pending, and read from plaintext."""
    together = (OLD, READS_PLAINTEXT, READS_ENCRYPTED)
    for at, writer in enumerate((OLD, READS_PLAINTEXT, OLD, READS_ENCRYPTED, OLD, READS_PLAINTEXT) * 2):
        value = None if at == 7 else f"{SECRET}{at}"
        write(table, writer, email=value)
        assert read(table, *together) == [value] * 3
        moved = value is not None and writer is not OLD
        assert stored(table)[1] == (moved, moved, value)


def test_a_change_elsewhere_in_the_row_leaves_it_as_it_is(table: Engine) -> None:
    """Neither pending nor written anew."""
    write(table, READS_PLAINTEXT, email=SECRET)
    for writer in (OLD, READS_PLAINTEXT, READS_ENCRYPTED, ENCRYPTED_ONLY):
        write(table, writer, note=f"by {writer.__mapper__.columns.keys()}")
        assert stored(table)[1] == (True, True, SECRET)
    assert read(table, OLD, READS_PLAINTEXT, READS_ENCRYPTED, ENCRYPTED_ONLY) == [SECRET] * 4


def test_the_last_two_states_see_one_another(table: Engine) -> None:
    """A value of the one that writes no plaintext is never hidden by what lay there before."""
    together = (READS_ENCRYPTED, ENCRYPTED_ONLY, SETTLED)
    for at, writer in enumerate((READS_ENCRYPTED, ENCRYPTED_ONLY) * 3):
        value = None if at == 3 else f"{SECRET}{at}"
        write(table, writer, email=value)
        assert read(table, *together) == [value] * 3
        assert stored(table)[1][2] == (value if writer is READS_ENCRYPTED else None)


def test_a_whole_move_and_back(table: Engine, envelope: Envelope) -> None:
    """State by state in order, with rows of every age, and once more back to plaintext."""
    with Session(table) as session:
        session.execute(insert(OLD), [{"id": n, "email": f"{SECRET}{n}"} for n in range(1, 5)])
        session.commit()
        values = session.scalars(select(OLD.email).order_by(OLD.id)).all()
    for model in (READS_PLAINTEXT, READS_ENCRYPTED):
        with Session(table) as session:
            assert session.scalars(select(model.email).order_by(model.id)).all() == values
            session.execute(update(model).where(model.id == 1).values(email=values[0]))
            session.commit()
    assert envelope.fallbacks() == {"customer.email_encrypted": 3}
    with Session(table) as session:  # the backfill
        for found in session.scalars(select(READS_ENCRYPTED)).all():
            row = update(READS_ENCRYPTED).where(READS_ENCRYPTED.id == found.id)
            session.execute(row.values(email=found.email))
        session.commit()
    before = envelope.fallbacks()
    for model in (READS_ENCRYPTED, ENCRYPTED_ONLY, SETTLED, ENCRYPTED_ONLY, READS_ENCRYPTED, READS_PLAINTEXT):
        with Session(table) as session:
            assert session.scalars(select(model.email).order_by(model.id)).all() == values
    assert envelope.fallbacks() == before


def test_the_last_state_runs_on_after_the_plaintext_is_nulled_and_dropped(table: Engine) -> None:
    """First without the state, then without the column."""
    write(table, READS_PLAINTEXT, email=SECRET)
    with table.begin() as connection:
        connection.execute(text("drop trigger zzz_invalidate on customer"))
        connection.execute(text("update customer set email = null"))
    assert read(table, READS_ENCRYPTED, ENCRYPTED_ONLY, SETTLED) == [SECRET] * 3
    with table.begin() as connection:
        connection.execute(text("alter table customer drop column email"))
    write(table, SETTLED, email="changed")
    assert read(table, SETTLED) == ["changed"]


async def test_asynchronous_drivers_read_and_write_in_every_state(
    async_engine: AsyncEngine, envelope: Envelope
) -> None:
    """Mixed rows, streamed and at once."""
    attach(async_engine, envelope)
    async with async_engine.begin() as connection:
        await connection.run_sync(READS_PLAINTEXT.metadata.create_all)
        await connection.execute(text(f"insert into customer (id, email) values (2, '{SECRET}2')"))
    async with AsyncSession(async_engine) as session:
        for model in (READS_PLAINTEXT, READS_ENCRYPTED):
            session.add(model(id=1, email=SECRET))
            await session.flush()
            session.expunge_all()
            query = select(model.email).order_by(model.id)
            streamed = [email async for email in await session.stream_scalars(query)]
            assert streamed == (await session.scalars(query)).all() == [SECRET, SECRET + "2"]
            await session.rollback()
        session.add(ENCRYPTED_ONLY(id=1, email=SECRET))
        await session.flush()
        query = select(ENCRYPTED_ONLY.email).order_by(ENCRYPTED_ONLY.id)
        assert (await session.scalars(query)).all() == [SECRET, None]


@pytest.mark.parametrize(
    ("model", "unwrapped"), [(READS_PLAINTEXT, 0), (READS_ENCRYPTED, 5), (ENCRYPTED_ONLY, 5)]
)
def test_keys_of_mixed_rows_come_in_one_wave(database: Database, model: Any, unwrapped: int) -> None:
    """For those that have any; plaintext needs none."""
    kms = FakeKms()
    envelope = Envelope(DirectKeyring(kms))
    engine = attach(create_engine(database.url("psycopg")), envelope)
    make_table(engine)
    with Session(engine) as session:
        session.execute(insert(READS_PLAINTEXT), [{"email": f"{SECRET}{n}"} for n in range(5)])
        session.execute(text(f"insert into customer (id, email) values (100, '{SECRET}'), (101, null)"))
        session.commit()
    envelope.keyring.purge_cache()
    kms.delay = 0.3
    with engine.connect() as connection, kms_calls(kms, generate=0, unwrap=unwrapped):
        found = connection.scalars(select(model.email).order_by(model.id)).all()
    assert found[:5] == [f"{SECRET}{n}" for n in range(5)]
    assert found[5:] == [None if model is ENCRYPTED_ONLY else SECRET, None]
    assert kms.most_at_once >= unwrapped
    engine.dispose()


def test_a_state_is_part_of_the_cache_key(table: Engine) -> None:
    """Two states of one table never share a compiled statement or a processor."""
    write(table, OLD, email=SECRET)
    assert read(table, READS_PLAINTEXT, ENCRYPTED_ONLY, READS_ENCRYPTED) == [SECRET, None, SECRET]
    keys = {
        EncryptedText(moving=state("email"))._static_cache_key for state in (ReadsPlaintext, EncryptedOnly)
    }
    assert len(keys) == 2
