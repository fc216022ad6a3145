"""What a primary key must be for values to be bound to it, and what declares that they are."""

from typing import Any

import pytest
from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    Engine,
    FetchedValue,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    insert,
    select,
    text,
)

from sqlalchemy_envelope import ConfigurationError, Context, EncryptedText, UnsupportedStatementError
from sqlalchemy_envelope.pairs import pairs_of


def table(*key: Column[Any], name: str = "t", **options: Any) -> Table:
    """A table with a bound column and this key."""
    return Table(name, MetaData(), *key, Column("v", EncryptedText(bind_row=True)), **options)


def test_every_default_of_a_key_is_fetched_or_made(attached: Engine) -> None:
    """Serial, identity, a sequence, SQL of the model's or the database's, and a function of Python's."""
    keys: list[Any] = [
        Column("id", SmallInteger, primary_key=True),
        Column("id", BigInteger, Identity(start=1000), primary_key=True),
        Column("id", Integer, Sequence("numbers", start=7), primary_key=True),
        Column("id", Uuid, server_default=text("gen_random_uuid()"), primary_key=True),
        Column("id", Uuid(as_uuid=False), default=text("gen_random_uuid()"), primary_key=True),
        Column("id", Text, server_default="one", primary_key=True),
        Column("id", Text, default="one", primary_key=True),
    ]
    with attached.begin() as connection:
        for number, key in enumerate(keys):
            made = table(key, name=f"made {number}")
            made.create(connection)
            given = connection.execute(insert(made).values(v="a")).inserted_primary_key
            assert connection.execute(select(made.c.id, made.c.v)).all() == [(*(given or ()), "a")]


def test_a_schema_that_is_translated_has_its_own_keys(attached: Engine) -> None:
    """The sequence is that of the table which the statement writes."""
    made = table(Column("id", Integer, primary_key=True), schema="there")
    with attached.begin() as connection:
        connection.execute(text('CREATE SCHEMA "He re"'))
        here = connection.execution_options(schema_translate_map={"there": "He re"})
        made.create(here)
        assert here.execute(insert(made).returning(made.c.id, made.c.v), [{"v": "a"}, {"v": "b"}]).all() == [
            (1, "a"),
            (2, "b"),
        ]


def test_a_key_is_bound_in_its_declared_order() -> None:
    """Whatever order its columns have in the table; a copy of the table keeps it."""
    key = PrimaryKeyConstraint("b", "a")
    made = Table(
        "t",
        MetaData(),
        Column("a", Integer),
        Column("b", Integer),
        Column("v", EncryptedText(bind_row=True)),
        key,
    )
    for each in (made, made.to_metadata(MetaData())):
        (pair,) = pairs_of(each).values()
        assert [column.name for column in pair.row] == ["b", "a"]
        assert [column.name for column in pair.of(each.alias()).row] == ["b", "a"]
        assert pair.type.context == Context("t", "v", bind_row=True)
    assert repr(EncryptedText(bind_row=True)) == "EncryptedText(bind_row=True)"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ([], "has no primary key"),
        ([Column("id", Date, primary_key=True)], "the text of Date"),
        ([Column("id", CHAR(3), primary_key=True)], "several spellings"),
        ([Column("id", Text(collation="de-x-icu"), primary_key=True)], "several spellings"),
        ([Column("id", Integer, Identity(always=True), primary_key=True)], "use Identity()"),
        ([Column("id", ForeignKey("o.id"), primary_key=True)], "not known yet"),
        (
            [Column("id", Integer, ForeignKey("o.id", onupdate="CASCADE"), primary_key=True)],
            "it would change",
        ),
    ],
)
def test_another_key_is_refused(key: list[Any], why: str) -> None:
    """When the table is declared."""
    with pytest.raises(ConfigurationError, match=why):
        table(*key)


@pytest.mark.parametrize("other", [True, False])
def test_two_columns_of_one_context_are_refused(other: bool) -> None:
    """Bound or not: in one row they could exchange their cells, or their wrapped keys."""
    first = EncryptedText("one_dek", "t.v", bind_row=True)
    second = EncryptedText("two_dek", "t.v", bind_row=other)
    with pytest.raises(ConfigurationError, match=r"would share the context t\.v"):
        Table(
            "t", MetaData(), Column("id", Integer, primary_key=True), Column("a", first), Column("b", second)
        )


def test_arguments_are_checked() -> None:
    """A flag, and not against a context that says so."""
    with pytest.raises(ConfigurationError, match="True or False"):
        EncryptedText(bind_row="id")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="so must bind_row=True"):
        EncryptedText(context=Context("t", "v", bind_row=True))


def test_a_key_that_a_trigger_makes_is_refused_with_the_remedy(attached: Engine) -> None:
    """It is known only once the row is there."""
    made = table(Column("id", Text, FetchedValue(), primary_key=True))
    made.create(attached)
    with attached.begin() as connection, pytest.raises(UnsupportedStatementError, match="set it to Python"):
        connection.execute(insert(made).values(v="a"))
