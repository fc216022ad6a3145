"""A value is read for the row that it stands in, wherever in a statement its column is."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    ARRAY,
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from sqlalchemy_envelope import (
    Context,
    DecryptionError,
    DirectKeyring,
    EncryptedText,
    Envelope,
    ReadsEncrypted,
    ReadsPlaintext,
    StaticKey,
    UnsupportedStatementError,
    Version,
    attach,
    detach,
)
from sqlalchemy_envelope.errors import ConfigurationError, InvalidValueError
from sqlalchemy_envelope.rows import encode_keys, packed_row, split_row
from sqlalchemy_envelope.testing import FakeKms

from .conftest import Base, Entry, Owned, Person

person: Any = Person.__table__


def test_the_row_travels_with_the_pair(people: Session) -> None:
    """Through aliases, subqueries, joins, set operations, aggregates and functions of the same kind."""
    other: Any = aliased(Person)
    inner = select(person.c.id, person.c.ssn).where(person.c.id < 3).subquery()
    four = func.coalesce(other.ssn, other.ssn, type_=other.ssn.type)
    shapes: dict[Any, list[Any]] = {
        select(inner.c.ssn).order_by(inner.c.id): ["s1", "s2"],
        select(other.ssn).join(Person, other.nr == Person.nr + 1).where(Person.nr == 1): ["s2"],
        select(other.ssn).outerjoin(Person, Person.nr == 9).where(other.nr == 1): ["s1"],
        select(Person.ssn).outerjoin_from(other, Person, Person.nr == 9).where(other.nr == 1): [None],
        union_all(select(person.c.ssn).where(person.c.id == 1), select(inner.c.ssn)): ["s1", "s1", "s2"],
        select(func.array_agg(person.c.ssn, type_=ARRAY(person.c.ssn.type)).filter(person.c.id == 3)): [
            ["s3"]
        ],
        select(four).where(other.nr == 4): ["s4"],
        select(select(person.c.ssn).where(person.c.id == 2).scalar_subquery()): ["s2"],
        select(person.c.ssn).where(person.c.ssn.is_not(None), person.c.id == 1): ["s1"],
        select(person.c.ssn, person.c.id).distinct().where(person.c.id == 1): ["s1"],
    }
    for statement, expected in shapes.items():
        assert people.scalars(statement).all() == expected


def test_text_names_the_key_or_is_refused(people: Session) -> None:
    """The refusal says what to select, and that works."""
    people.add(Entry(book="ä", nr=5, secret="e"))
    people.flush()
    for column, table in ((Person.ssn, "person"), (Entry.secret, "entry")):
        with pytest.raises(UnsupportedStatementError, match="what it is read from") as refused:
            people.execute(text(f"SELECT {column.key} FROM {table}").columns(column))
        told = str(refused.value).split("what it is read from, ")[1]
        with_key = text(f"SELECT {told} FROM {table} ORDER BY 1").columns(column)
        assert set(people.scalars(with_key)) == ({"e"} if table == "entry" else {"s1", "s2", "s3", "s4"})
    alone = text("SELECT coalesce(ssn_dek || ssn, ssn_dek, ssn) AS ssn, id FROM person").columns(person.c.ssn)
    with pytest.raises(UnsupportedStatementError, match="read by text, which names no row"):
        people.execute(alone).all()


def test_a_half_pair_is_an_error_and_never_a_null(people: Session) -> None:
    """As where nothing is bound."""
    people.execute(text("ALTER TABLE person DROP CONSTRAINT person_ssn_envelope"))
    people.execute(text("UPDATE person SET ssn = NULL WHERE id = 1"))
    with pytest.raises(DecryptionError, match="lone-cell"):
        people.execute(select(person.c.ssn).where(person.c.id == 1)).all()


def test_keys_that_need_a_call_are_fetched_in_one_wave(engine: Engine) -> None:
    """Four values of four rows are four unwrappings, all under way together."""
    kms = FakeKms(delay=0.3)
    Base.metadata.create_all(engine)
    attach(engine, Envelope(DirectKeyring(kms)))
    with Session(engine) as session:
        session.add_all([Person(ssn=f"s{n}") for n in range(4)])
        session.add(Owned(tenant_id="a", secret="o"))
        session.commit()
        detach(engine)
        attach(engine, Envelope(DirectKeyring(kms)))
        kms.most_at_once = 0
        assert sorted(filter(None, session.scalars(select(Person.ssn)))) == ["s0", "s1", "s2", "s3"]
        assert (kms.unwrapped, kms.most_at_once) == (4, 4)
        assert session.scalars(select(Owned.secret)).all() == ["o"]


@pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted])
def test_a_column_may_be_moving(attached: Engine, state: Any) -> None:
    """Both are written, and the pair opens where it is read."""
    type_ = EncryptedText(bind_row=True, moving=state("plain"))
    table = Table("m", MetaData(), Column("id", Integer, primary_key=True), Column("v", type_))
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), [{"v": "a"}, {"v": "b"}])
        connection.execute(text("INSERT INTO m (plain) VALUES ('c')"))
        assert connection.scalars(select(table.c.v).order_by(table.c.id)).all() == ["a", "b", "c"]
        assert connection.scalars(text("SELECT plain FROM m ORDER BY id")).all() == ["a", "b", "c"]


def test_the_row_is_one_of_few_bytes_and_comes_back(envelope: Envelope) -> None:
    """The same whatever width an integer is read in; another key, or another order, is another row."""
    keys: list[Any] = [0, -1, 127, 128, 2**63 - 1, -(2**63), (1, "ä", 2), ("1", 2), ("", 0), ("x" * 60_000,)]
    for key in keys:
        row = encode_keys(key)
        assert split_row(packed_row(row) + b"pair") == (row, b"pair")
    assert len({encode_keys(key) for key in [*keys, (2, "ä", 1), "1", 1]}) == len(keys) + 3
    with pytest.raises(InvalidValueError, match="at most 65,000 bytes"):
        encode_keys("x" * 65_536)
    for wrong in (b"\xeb", b"\xeb\0", b"\xeb\1\0\2\4", b"\xeb\1\0\0", b"\xeb\1\0\1\x77"):
        with pytest.raises(DecryptionError):
            split_row(wrong)


def test_without_sqlalchemy_rows_are_given_too(envelope: Envelope) -> None:
    """Just where the context binds them, and one for each value."""
    bound, free = Context("t", "c", bind_row=True), Context("t", "c")
    cells = envelope.seal_many(["a", None, "b"], bound, [1, 2, (3, "x")])
    assert envelope.open_many(cells, bound, [1, 2, (3, "x")]) == [b"a", None, b"b"]
    others: list[Any] = [[2, 2, (3, "x")], [1, 2, (3, "y")], [1, 2, 3]]
    for rows in others:
        with pytest.raises(DecryptionError, match="commitment"):
            envelope.open_many(cells, bound, rows)
    with pytest.raises(DecryptionError, match="flags"):
        envelope.open_many(cells, free)
    with pytest.raises(ConfigurationError, match="give rows="):
        envelope.seal_many(["a"], bound)
    with pytest.raises(ConfigurationError, match="leave out rows="):
        envelope.seal_many(["a"], free, [1])


def test_an_older_version_is_read_and_written_anew_bound(engine: Engine) -> None:
    """It is bound to nothing until then, as everywhere."""
    keyring = DirectKeyring(StaticKey(bytes(range(32))))
    attach(engine, Envelope(keyring))
    type_ = EncryptedText(bind_row=True, accept=Version.V1)
    table = Table(
        "old", MetaData(), Column("id", Integer, primary_key=True), Column("v", type_), Column("n", Text)
    )
    table.create(engine)
    blob = bytes(12) + AESGCM(bytes(range(32))).encrypt(bytes(12), b"older", None)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO old (v) VALUES (:blob)"), {"blob": blob})
        connection.execute(insert(table).values(v="newer"))
        assert connection.scalars(select(table.c.v).order_by(table.c.id)).all() == ["older", "newer"]
