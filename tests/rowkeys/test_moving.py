"""Columns of plaintext moved into a group, and back: each row keeps one key for them all."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Engine, MetaData, Table, Text, insert, select, text, update

from sqlalchemy_envelope import ConfigurationError, Context, EncryptedText, Envelope, ReadsPlaintext, attach
from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.subject.move import Move

ROWS: Any = [
    {"id": 1, "name": "n1", "mail": "m1"},
    {"id": 2, "mail": "m2"},
    {"id": 3, "name": "n3"},
    {"id": 4},
]


def guest(*columns: Column[Any]) -> Table:
    """A model of the table."""
    return Table("guest", MetaData(), Column("id", BigInteger, primary_key=True), *columns)


CONTEXT = Context("guest", "name", "row_dek")
PLAIN = guest(Column("name", Text), Column("mail", Text))
SHARED = guest(Column("name", EncryptedText("row_dek")), Column("mail", EncryptedText("row_dek")))
WANTED = [(1, "n1", "m1"), (2, None, "m2"), (3, "n3", None), (4, None, None)]


@pytest.fixture
def place(engine: Engine, envelope: Envelope) -> Database:
    """The table, in plain."""
    attach(engine, envelope)
    PLAIN.create(engine)
    with engine.begin() as connection:
        for row in ROWS:
            connection.execute(insert(PLAIN), row)
    return Database.of(engine.url)


def move(column: str, **more: Any) -> Move:
    """A column's move into the group."""
    return Move.plan("guest", column, dek="row_dek", **{"shared": True, **more})


def read(engine: Engine, table: Table) -> list[Any]:
    """All rows."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]


def stored(engine: Engine, columns: str) -> list[Any]:
    """Cells as they lie there."""
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM (SELECT * FROM guest ORDER BY id) AS guest"))
        return [tuple(row) for row in rows]


def test_a_second_column_takes_the_row_s_key(engine: Engine, envelope: Envelope, place: Database) -> None:
    """Where it has one; a row without gets one. The way back of one leaves the other readable."""
    whole.encrypt_column(place, move("name"), lambda: envelope, keep_plaintext=False)
    keys = stored(engine, "row_dek")
    assert [key is None for (key,) in keys] == [False, True, False, True]
    whole.encrypt_column(place, move("mail"), lambda: envelope, keep_plaintext=False)
    assert read(engine, SHARED) == WANTED
    now = stored(engine, "row_dek")
    assert (now[0], now[2]) == (keys[0], keys[2])
    assert stored(engine, "count(DISTINCT row_dek)") == [(3,)]
    whole.decrypt_column(place, move("name"), lambda: envelope)
    half = guest(
        Column("name", Text),
        Column("mail", EncryptedText(context=Context("guest", "mail", "row_dek"), dek="row_dek")),
    )
    assert read(engine, half) == WANTED
    assert stored(engine, "row_dek") == [now[0], now[1], (None,), (None,)]
    whole.decrypt_column(place, move("mail"), lambda: envelope)
    assert read(engine, PLAIN) == WANTED
    assert stored(engine, "count(*) FILTER (WHERE to_jsonb(guest) ? 'row_dek')") == [(0,)]


def test_a_column_that_was_alone_lets_others_in(engine: Engine, envelope: Envelope, place: Database) -> None:
    """Its guard is loosened, and writers of a state write both."""
    alone = guest(Column("name", EncryptedText("row_dek", CONTEXT)), Column("mail", Text))
    whole.encrypt_column(
        place, move("name", shared=False, context=CONTEXT), lambda: envelope, keep_plaintext=False
    )
    assert read(engine, alone) == WANTED
    whole.begin(place, move("mail", into="post"))
    moving: Any = guest(
        Column("name", EncryptedText("row_dek", CONTEXT)),
        Column("post", EncryptedText("row_dek", moving=ReadsPlaintext("mail"))),
    )
    with engine.begin() as connection:
        connection.execute(insert(moving), {"id": 5, "post": "m5"})
        connection.execute(update(moving).where(moving.c.id == 1).values(post="new"))
        connection.execute(update(PLAIN).where(PLAIN.c.id == 5).values(mail="by an older writer"))
        assert connection.execute(text("SELECT post, row_dek IS NULL FROM guest WHERE id = 5")).one() == (
            None,
            False,
        )
    whole.encrypt_column(place, move("mail", into="post"), lambda: envelope)
    done = guest(Column("name", EncryptedText("row_dek", CONTEXT)), Column("post", EncryptedText("row_dek")))
    expected = [(1, "n1", "new"), *WANTED[1:], (5, None, "by an older writer")]
    assert read(engine, done) == expected


def test_a_sibling_of_others_is_no_move_s_own(place: Database, envelope: Envelope) -> None:
    """It would be cleared and dropped with it."""
    whole.encrypt_column(place, move("name"), lambda: envelope)
    with pytest.raises(ConfigurationError, match="row_dek is the sibling of name too; say shared=True"):
        whole.encrypt_column(place, move("mail", into="post", shared=False), lambda: envelope)


def test_each_row_s_key_is_its_tenant_s(engine: Engine, envelope: Envelope, place: Database) -> None:
    """New and present keys alike."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE guest ADD of text; UPDATE guest SET of = 't' || id % 2"))
    for column in ("name", "mail"):
        whole.encrypt_column(place, move(column, tenant="of"), lambda: envelope)
    names: Any = [Column(name, EncryptedText("row_dek", tenant="of")) for name in ("name", "mail")]
    owned = guest(*names, Column("of", Text))
    assert read(engine, owned) == [(*row, f"t{row[0] % 2}") for row in WANTED]
    assert stored(engine, "count(DISTINCT row_dek)") == [(3,)]
