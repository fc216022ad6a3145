"""What an index makes of a table, and what it can't be."""

import os
import pickle
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PickleType,
    Table,
    Text,
    bindparam,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, relationship

import sqlalchemy_envelope as se
from sqlalchemy_envelope import BlindIndex, ConfigurationError, EncryptedText, last
from sqlalchemy_envelope.keystore.schema import install

from .conftest import PEOPLE, Base, Claim, Patient

SOMETHING: Any = "ssn"


def table(*columns: Any, metadata: MetaData | None = None) -> Table:
    """A table of them."""
    return Table("t", metadata or MetaData(), Column("id", Integer, primary_key=True), *columns)


def test_an_index_of_another_process_is_the_same() -> None:
    """Pickled there, where the same text has another hash, it finds here what SQLAlchemy keeps by it."""
    code = "import pickle, sys; from sqlalchemy_envelope import BlindIndex, last; "
    code += "sys.stdout.buffer.write(pickle.dumps(BlindIndex(last(4), key='k', bits=96)))"
    environ = {**os.environ, "PYTHONHASHSEED": "1"}
    pickled = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environ)
    assert {BlindIndex(last(4), key="k", bits=96): 1}[pickle.loads(pickled.stdout)] == 1


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_column_is_searched_as_before(protocol: int) -> None:
    """Also one that was compared before it was pickled, which made its comparator."""
    made = table(Column("v", EncryptedText(index=BlindIndex())))
    asked = str(made.c.v == "x")
    copied = pickle.loads(pickle.dumps(made, protocol))
    assert str(copied.c.v == "x") == asked
    assert str(copied.c.v.by("v_bidx") == "x") == str(made.c.v.by("v_bidx") == "x")


def test_each_index_has_a_column_and_an_index(attached: Engine) -> None:
    """Last in the table, hidden like the sibling, as they are created, copied and pickled."""
    made: Any = Patient.__table__
    assert [each.name for each in made.c if each.name.startswith("ssn")] == [
        "ssn",
        "ssn_dek",
        "ssn_bidx",
        "ssn_last4_bidx",
        "ssn_short_bidx",
    ]
    assert "ssn_bidx" not in select(made).selected_columns
    stored = {each["name"]: each["unique"] for each in inspect(attached).get_indexes("patient")}
    assert (stored["ix_patient_ssn_bidx"], stored["ix_patient_ssn_last4_bidx"]) == (True, False)
    for copy in (made.to_metadata(MetaData()), pickle.loads(pickle.dumps(made))):
        assert sorted(str(each.name) for each in copy.indexes) == sorted(map(str, stored))
        assert copy.c.ssn.type.indexes == made.c.ssn.type.indexes
    reflected = Table(
        "patient",
        MetaData(),
        Column("ssn", EncryptedText(index=BlindIndex(unique=True))),
        autoload_with=attached,
    )
    assert len(reflected.indexes) == len(made.indexes)
    assert "ssn_bidx" not in select(reflected).selected_columns


def test_a_column_added_later_brings_its_own() -> None:
    """Also one that the table has by hand."""
    made = table(Column("v_bidx", LargeBinary))
    made.append_column(Column("v", EncryptedText(index=BlindIndex())))
    assert "v_bidx" not in select(made).selected_columns
    assert {each.name for each in made.indexes} == {"ix_t_v_bidx"}
    Index("both", made.c.id, made.c.v_bidx, unique=True)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: EncryptedText(index=[BlindIndex(), BlindIndex(last(4))]), "two BlindIndex without a name"),
        (lambda: EncryptedText(index=SOMETHING), "index= takes a BlindIndex"),
        (lambda: table(Column("v", se.EncryptedJSON(index=BlindIndex()))), "equal JSON"),
        (lambda: table(Column("v", se.Encrypted(PickleType, index=BlindIndex()))), "many pickles"),
        (lambda: table(Column("v", se.EncryptedInteger(index=BlindIndex(last(4))))), "are of text"),
        (lambda: table(Column("v", EncryptedText(index=BlindIndex(name="x" * 64)))), "over 63 bytes"),
        (
            lambda: table(Column("w", Text), Column("v", EncryptedText(index=BlindIndex(name="w")))),
            "t.w can't be",
        ),
        (
            lambda: table(Column("v", EncryptedText(index=BlindIndex(name="x", columns=("v", "w"))))),
            r"t.x indexes 'w', which is no encrypted column",
        ),
        (
            lambda: table(
                Column("v", EncryptedText(tenant=se.TENANT, index=BlindIndex(name="x", columns=("v", "w")))),
                Column("w", EncryptedText()),
            ),
            "of different tenants",
        ),
        (
            lambda: table(
                Column("v", EncryptedText(index=BlindIndex(name="n"))),
                Column("w", EncryptedText(index=BlindIndex(name="n"))),
            ),
            "t.n can't be the blind index of w",
        ),
    ],
)
def test_what_an_index_can_not_be(make: Any, told: str) -> None:
    """Refused where it is declared."""
    with pytest.raises(ConfigurationError, match=told):
        make()


def test_a_search_waits_until_rows_have_digests(attached: Engine) -> None:
    """While an index is filled it is written and not searched; while a column moves, neither."""
    filling = table(Column("v", EncryptedText(index=BlindIndex(filling=True))))
    filling.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(filling), {"v": "x"})
        for search in (lambda: filling.c.v == "x", lambda: filling.c.v.candidates("x")):
            with pytest.raises(se.UnsupportedStatementError, match=r"t.v_bidx is being filled"):
                connection.execute(select(filling.c.id).where(search()))
    moving = table(Column("v", EncryptedText(index=BlindIndex(), moving=se.ReadsEncrypted("old"))))
    with (
        attached.begin() as connection,
        pytest.raises(se.UnsupportedStatementError, match=r"until EncryptedOnly"),
    ):
        connection.execute(select(moving.c.id).where(moving.c.v == "x"))


def test_a_named_value_is_not_sent_by_an_engine_without_an_envelope(engine: Engine) -> None:
    """Whatever type its parameter says: it has the column's own."""
    by: Any = Patient.ssn
    given = bindparam("v", "078-05-1120", type_=Text)
    for search in (by == given, by != given, by.in_(bindparam("v", ["078-05-1120"], expanding=True))):
        with engine.connect() as connection, pytest.raises(se.NotAttachedError):
            connection.execute(select(Patient.id).where(search))
        assert "1120" not in str(search.compile(compile_kwargs={"literal_binds": True}))


def test_a_column_that_has_moved_is_searched(attached: Engine) -> None:
    """Once it says EncryptedOnly; beside the plaintext column that it leaves."""
    index = BlindIndex()
    moved = table(Column("v", EncryptedText(index=index, moving=se.EncryptedOnly("old"))))
    moved.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(moved), [{"v": "x"}, {"v": "y"}])
        connection.execute(update(moved).values(v=bindparam("new")).where(moved.c.v == "y"), {"new": "z"})
        assert connection.scalars(select(moved.c.id).where(moved.c.v.in_(["x", "z"]))).all() == [1, 2]
        assert connection.scalar(text("SELECT count(old) FROM t")) == 0


def test_a_relationship_by_an_index(attached: Engine) -> None:
    """Loaded lazily and joined, like one by a plain column."""
    Claim.patient = relationship(Patient, primaryjoin="foreign(Claim.of) == Patient.ssn", viewonly=True)
    from sqlalchemy.orm import joinedload, selectinload

    with Session(attached) as session:
        session.add_all([Patient(**PEOPLE[0]), Claim(id=1, of="078-05-1120"), Claim(id=2)])
        session.commit()
        claim: Any = Claim
        assert [each.patient.id for each in session.scalars(select(claim).where(claim.id == 1))] == [1]
        for load in (joinedload, selectinload):
            session.expire_all()
            found = session.scalars(select(claim).options(load(claim.patient)).order_by(claim.id))
            assert [each.patient and each.patient.id for each in found] == [1, None]


async def test_asynchronous_engines(async_engine: AsyncEngine, envelope: se.Envelope) -> None:
    """Write, search and join alike."""
    se.attach(async_engine, envelope)
    async with async_engine.begin() as connection:
        await connection.run_sync(install)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(async_engine) as session:
        session.add_all([Patient(**PEOPLE[0]), Patient(**PEOPLE[1]), Claim(id=1, of="078-05-1120")])
        await session.commit()
        by: Any = Patient.ssn
        assert (await session.scalars(select(Patient.id).where(by == "078-05-1120"))).all() == [1]
        assert (await session.scalars(select(Patient.id).where(by.not_in(["078-05-1120"])))).all() == [2]
        joined = select(Patient.id).join(Claim, Claim.of == Patient.ssn)
        assert (await session.scalars(joined)).all() == [1]


def test_an_index_s_key_keeps_its_name_where_the_column_is_renamed() -> None:
    """It is pinned with the values' context."""
    renamed = EncryptedText(context="patient.ssn", index=[BlindIndex(), BlindIndex(last(4), name="four")])
    table = Table("people", MetaData(), Column("id", Integer, primary_key=True), Column("number", renamed))
    (plain, four) = table.c.number.type.indexes  # type: ignore[attr-defined]
    assert ((plain.name, plain.key), (four.name, four.key)) == (
        ("number_bidx", "patient.ssn_bidx"),
        ("four", "patient.four"),
    )
