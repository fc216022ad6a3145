"""Padded columns: the database sees the bucket of a length; how far may change, and older rows still open."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Column, Engine, MetaData, insert, select, text

import sqlalchemy_envelope as se
from sqlalchemy_envelope import ConfigurationError, EncryptedText, Padding

from .conftest import patient

FRAME = 67
"""What a content has beside its plaintext."""


def lengths(engine: Engine) -> list[int]:
    """Of the plaintexts, as whoever has the database knows them."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT octet_length(v) FROM patient ORDER BY id")).scalars()
        return [length - FRAME for length in found]


@pytest.mark.parametrize(
    ("pad", "buckets"), [(Padding(multiple=32), [32, 32, 64]), (Padding(least=16), [16, 32, 64])]
)
def test_lengths_are_those_of_buckets(attached: Engine, pad: Padding, buckets: list[int]) -> None:
    """And the values come back as they were."""
    table = patient(Column("v", EncryptedText(pad=pad)))
    table.create(attached)
    values = ["", "x" * 20, "x" * 28]
    with attached.begin() as connection:
        connection.execute(insert(table), [{"id": at, "v": value} for at, value in enumerate(values)])
        assert connection.execute(select(table.c.v).order_by(table.c.id)).scalars().all() == values
    assert lengths(attached) == buckets


def test_a_reader_needs_no_setting(attached: Engine) -> None:
    """Rows from before, from now and from after padding open in any of them."""
    values = ["before", "now", "after"]
    tables = [
        patient(Column("v", EncryptedText(pad=pad)), metadata=MetaData())
        for pad in (None, Padding(multiple=64), Padding(least=32))
    ]
    tables[0].create(attached)
    with attached.begin() as connection:
        for at, (table, value) in enumerate(zip(tables, values, strict=True)):
            connection.execute(insert(table), {"id": at, "v": value})
        for table in tables:
            assert connection.execute(select(table.c.v).order_by(table.c.id)).scalars().all() == values
    assert lengths(attached) == [7, 64, 32]


def test_other_types_are_padded_too(attached: Engine) -> None:
    """Where their length says something: a number's, a document's."""
    pad = Padding(multiple=64)
    given: dict[str, Any] = {"number": 7, "document": {"a": [1]}, "data": b"\x00"}
    table = patient(
        Column("number", se.EncryptedBigInteger(pad=pad)),
        Column("document", se.EncryptedJSON(pad=pad)),
        Column("data", se.EncryptedBytes(pad=pad)),
    )
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), given)
        row = connection.execute(select(table.c.number, table.c.document, table.c.data)).mappings().one()
    assert dict(row) == given


def test_a_padding_is_one(attached: Engine) -> None:
    """Checked where the column is declared."""
    with pytest.raises(ConfigurationError, match="pad= takes Padding"):
        EncryptedText(pad=64)  # type: ignore[arg-type]
    assert repr(sa.Column("v", EncryptedText(pad=Padding(multiple=64))).type).endswith("least=None))")
