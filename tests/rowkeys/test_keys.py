"""What a row of shared columns costs at the KMS, by counting its calls."""

from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, attach
from sqlalchemy_envelope.testing import FakeKms

NAMES = [f"c{number}" for number in range(5)]


def table_of(dek: str | None) -> Table:
    """Five encrypted columns, of one sibling or of one each."""
    columns: Any = [Column(name, EncryptedText(dek=dek)) for name in NAMES]
    return Table("wide", MetaData(), Column("id", Integer, primary_key=True), *columns)


def row(number: int) -> dict[str, Any]:
    """A row of it."""
    return {"id": number, **{name: f"{name} {number}" for name in NAMES}}


def test_a_row_costs_one_call(engine: Engine) -> None:
    """To write, to read it cold, and to write one of its columns again."""
    kms, table = FakeKms(), table_of("row_dek")
    envelope = Envelope(DirectKeyring(kms))
    attach(engine, envelope)
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(table), [row(1), row(2)])
        assert (kms.generated, kms.unwrapped) == (2, 0)
        found = connection.execute(select(table).order_by(table.c.id)).mappings()
        assert [dict(each) for each in found] == [row(1), row(2)]
        assert (kms.generated, kms.unwrapped) == (2, 2)
        envelope.purge_cache()
        connection.execute(update(table).where(table.c.id == 1).values(c3="new"))
        assert connection.scalar(select(table.c.c3).where(table.c.id == 1)) == "new"
        assert (kms.generated, kms.unwrapped) == (2, 3)


async def test_asynchronous_engines_read_a_row_s_key(async_engine: AsyncEngine) -> None:
    """And lock its row, with no call on the event loop's thread."""
    table = table_of("row_dek")
    attach(async_engine, Envelope(DirectKeyring(FakeKms(delay=0.01))))
    async with async_engine.begin() as connection:
        await connection.run_sync(table.create)
        await connection.execute(insert(table), [row(1), row(2)])
        by_key = update(table).where(table.c.id == bindparam("key")).values(c0=bindparam("new"))
        await connection.execute(by_key, [{"key": 1, "new": "one"}, {"key": 2, "new": None}])
        found = await connection.execute(select(table).order_by(table.c.id))
        assert [dict(each) for each in found.mappings()] == [row(1) | {"c0": "one"}, row(2) | {"c0": None}]
