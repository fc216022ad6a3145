"""What each state of a move writes and reads: one statement, and never a stale or a wrong value."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from sqlalchemy_envelope import (
    DecryptionError,
    EncryptedOnly,
    Envelope,
    InvalidValueError,
    NotAttachedError,
    ReadsEncrypted,
    ReadsPlaintext,
    UnsupportedStatementError,
)

from .customers import SECRET, STATES, customer, make_table, stored

every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
PLACE = "customer.email_encrypted"


@pytest.fixture
def table(attached: Engine) -> Engine:
    """An attached engine on an empty table with plaintext and pair."""
    make_table(attached)
    return attached


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is sent to the database."""
    sent: list[str] = []

    def sending(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", sending)
    yield sent
    event.remove(engine, "before_cursor_execute", sending)


def mixed(engine: Engine) -> None:
    """Row 1 is moved, row 2 pending, row 3 has neither."""
    with Session(engine) as session:
        session.execute(insert(customer(ReadsPlaintext("email"))), [{"id": 1, "email": SECRET + "1"}])
        session.execute(text(f"insert into customer (id, email) values (2, '{SECRET}2'), (3, null)"))
        session.commit()


@every_state
def test_every_way_to_write_writes_what_the_state_says(table: Engine, state: Any) -> None:
    """Flush, executemany, values, many rows, update and upsert: pair and plaintext in one statement each."""
    model, kept = customer(state("email")), state is not EncryptedOnly
    with Session(table) as session:
        session.add(model(id=1, email=SECRET))
        session.execute(insert(model), [{"id": 2, "email": SECRET}, {"id": 3, "email": None}])
        session.execute(insert(model).values(id=4, email=SECRET))
        session.execute(insert(model).values([{"id": 5, "email": SECRET}, {"id": 6, "email": SECRET}]))
        session.execute(insert(model).values(id=7, note="no email"))
        row = upsert(model).values(id=7, email=SECRET)
        set_ = {"email_encrypted": row.excluded.email_encrypted}
        session.execute(row.on_conflict_do_update(index_elements=["id"], set_=set_))
        session.commit()
        assert set(stored(table).values()) == {(True, True, SECRET if kept else None), (False, False, None)}
        session.execute(update(model).where(model.id > 5).values(email="changed"))
        session.get_one(model, 1).email = None
        session.execute(update(model), [{"id": 2, "email": "changed"}])
        session.commit()
        found = stored(table)
    assert found[1] == found[3] == (False, False, None)
    assert {found[2], found[6], found[7]} == {(True, True, "changed" if kept else None)}


@every_state
def test_a_read_is_one_statement(table: Engine, state: Any) -> None:
    """For moved and pending rows alike, whole objects, subqueries and arrays."""
    mixed(table)
    model = customer(state("email"))
    pending = SECRET + "2" if state is not EncryptedOnly else None
    inner = select(model.id, model.email).order_by(model.id).limit(2).subquery()
    array = func.array_agg(func.coalesce(model.email, model.email, type_=model.email.type))
    with Session(table) as session, statements(table) as sent:
        assert [each.email for each in session.scalars(select(model).order_by(model.id))] == [
            SECRET + "1",
            pending,
            None,
        ]
        assert session.scalars(select(inner.c.email)).all() == [SECRET + "1", pending]
        assert sorted(filter(None, session.scalar(select(array)) or [])) == [
            each for each in (SECRET + "1", pending) if each
        ]
        assert len(sent) == 3


@every_state
def test_a_null_test_is_right_in_every_state(table: Engine, state: Any) -> None:
    """What it says is what reading gives."""
    mixed(table)
    model = customer(state("email"))
    with Session(table) as session:
        empty = session.scalars(select(model.id).where(model.email.is_(None)).order_by(model.id)).all()
        assert empty == [each.id for each in session.scalars(select(model)) if each.email is None]
        assert session.scalar(select(func.count(model.email))) == 3 - len(empty)


@every_state
def test_what_a_pair_can_not_do_is_refused_in_every_state(table: Engine, state: Any) -> None:
    """So that code which runs in one runs in the next."""
    model = customer(state("email"))
    with Session(table) as session:
        for refused in (
            select(model.id).order_by(model.email),
            select(model.id).where(model.email == model.note),
            select(func.max(model.email)),
            insert(model.__table__).values(email=SECRET),
            update(model.__table__).values({model.__table__.c.email: SECRET}),
        ):
            with pytest.raises(UnsupportedStatementError):
                session.execute(refused)
        with pytest.raises(UnsupportedStatementError):
            session.execute(select(model.id).where(model.email == SECRET))


@every_state
def test_without_an_envelope_nothing_is_read_or_written(engine: Engine, state: Any) -> None:
    """Not even a NULL, which would leave the plaintext as it was."""
    make_table(engine)
    model = customer(state("email"))
    array = func.array_agg(model.email, type_=model.email.type)
    with engine.begin() as connection:
        connection.execute(text(f"insert into customer (id, email) values (1, '{SECRET}')"))
        for refused in (
            select(model),
            select(select(model.email).subquery()),
            select(array),
            insert(model).values(id=2, email=SECRET),
            update(model).values(email=None),
        ):
            with pytest.raises(NotAttachedError):
                connection.execute(refused).all()


def test_fallbacks_are_counted_by_place(
    table: Engine, envelope: Envelope, caplog: pytest.LogCaptureFixture
) -> None:
    """Every pending value that is read, in every place; the first leaves a line without the value."""
    mixed(table)
    model = customer(ReadsEncrypted("email"))
    assert envelope.fallbacks() == {}
    with Session(table) as session, caplog.at_level(logging.INFO, logger="sqlalchemy_envelope"):
        session.scalars(select(model)).all()
        session.execute(select(model.email).union_all(select(model.email))).all()
    assert envelope.fallbacks() == {PLACE: 3}
    assert [record.getMessage().split()[0] for record in caplog.records] == [PLACE]
    assert SECRET not in caplog.text


def test_fallbacks_are_counted_in_every_thread(table: Engine, envelope: Envelope) -> None:
    """None is lost."""
    mixed(table)
    model = customer(ReadsEncrypted("email"))

    def read(_: int) -> None:
        with Session(table) as session:
            session.scalars(select(model.email)).all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(40)))
    assert envelope.fallbacks() == {PLACE: 40}


@pytest.mark.parametrize("state", [ReadsEncrypted, EncryptedOnly])
def test_a_failure_never_falls_back(table: Engine, envelope: Envelope, state: Any) -> None:
    """Though the plaintext lies beside it: a flipped bit, a cell alone, a pair of another place."""
    mixed(table)
    model = customer(state("email"))
    flipped = "set_byte(email_encrypted, 20, get_byte(email_encrypted, 20) # 1)"
    with table.connect() as connection:
        connection.execute(text("alter table customer drop constraint customer_email_encrypted_envelope"))
        for broken in (
            f"email_encrypted = {flipped}",
            "email_encrypted_dek = null",
            "email_encrypted = null",
            "email_encrypted = 'plain', email_encrypted_dek = 'text'",
        ):
            point = connection.begin_nested()
            connection.execute(text(f"update customer set {broken} where id = 1"))
            with pytest.raises(DecryptionError, match=PLACE):
                connection.execute(select(model.email).where(model.id == 1)).all()
            point.rollback()
    assert envelope.fallbacks() == {}


@pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted])
def test_a_nul_is_refused_while_plaintext_is_written(table: Engine, state: Any) -> None:
    """PostgreSQL would refuse it with an error that prints it."""
    with Session(table) as session, pytest.raises(InvalidValueError, match=PLACE) as caught:
        session.execute(insert(customer(state("email"))).values(email=f"{SECRET}\0"))
    assert SECRET not in str(caught.value)


def test_textual_sql_reads_what_the_state_reads(table: Engine) -> None:
    """Else pending rows would look like NULL; the refusal says what to select."""
    mixed(table)
    model = customer(ReadsEncrypted("email"))
    columns = "email_encrypted_dek || email_encrypted, email_encrypted_dek, email_encrypted"
    pair = text(f"select coalesce({columns}) as email_encrypted from customer")
    with Session(table) as session:
        with pytest.raises(UnsupportedStatementError, match="convert_to") as caught:
            session.execute(pair.columns(model.email))
        shown = str(caught.value).partition("read from, ")[2]
        whole = text(f"select {shown} from customer order by id").columns(model.email)
        assert session.scalars(whole).all() == [SECRET + "1", SECRET + "2", None]


@pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted])
def test_rows_are_never_logged(
    table: Engine, state: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though parameters are, while plaintext is one."""
    mixed(table)
    monkeypatch.setattr(table, "echo", "debug")
    with caplog.at_level(logging.DEBUG, logger="sqlalchemy.engine"), table.connect() as connection:
        connection.execute(select(customer(state("email")))).all()
    assert SECRET not in caplog.text
