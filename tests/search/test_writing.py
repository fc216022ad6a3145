"""Whatever writes a value writes its digests with it."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, func, insert, null, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sqlalchemy_envelope import UnsupportedStatementError, tenant

from .conftest import Both, Claim, Patient
from .test_lookup import ids

table: Any = Patient.__table__
by: Any = Patient.ssn
person: Any = Patient.last_name.by("person_bidx")


def found(session: Session, *values: str) -> list[list[int]]:
    """The patients of each number, by the index of all of it and of its last four."""
    by_last: Any = by.by("ssn_last4_bidx")
    pairs = [(ids(session, by == value), ids(session, by_last == value)) for value in values]
    assert all(one == other for one, other in pairs)
    return [one for one, _ in pairs]


def test_inserts(session: Session) -> None:
    """Of one row and of many, by parameters, VALUES and the ORM's own."""
    core = session.connection()
    core.execute(insert(table), [{"id": 11, "ssn": "011"}, {"id": 12, "ssn": None}, {"id": 13, "ssn": "013"}])
    core.execute(insert(table).values(id=14, ssn="014"))
    core.execute(insert(table).values([{"id": 15, "ssn": "015"}, {"id": 16, "ssn": "016"}]))
    core.execute(insert(table).values(id=17, ssn=bindparam("number")), {"number": "017"})
    session.execute(insert(Patient), [{"id": 18, "ssn": "018"}])
    assert found(session, *(f"0{at}" for at in range(11, 19))) == [
        [11],
        [],
        [13],
        [14],
        [15],
        [16],
        [17],
        [18],
    ]
    assert session.scalar(text("SELECT count(*) FROM patient WHERE ssn IS NULL AND ssn_bidx IS NULL")) == 2


def test_updates(session: Session) -> None:
    """By the session, by parameters, by criteria with one value, and to NULL."""
    core = session.connection()
    session.get_one(Patient, 1).ssn = "001"
    session.flush()
    core.execute(
        update(table).where(table.c.id == bindparam("b_id")).values(ssn=bindparam("new")),
        [{"b_id": 2, "new": "002"}, {"b_id": 3, "new": "003"}],
    )
    assert found(session, "001", "002", "003", "078-05-1120") == [[1], [2], [3], []]
    session.execute(update(Patient).where(Patient.id == 2).values(ssn="022"))
    session.execute(update(Patient), [{"id": 3, "ssn": "033"}])
    core.execute(update(table).where(table.c.id == 1).values(ssn=null()))
    assert found(session, "001", "002", "003", "022", "033") == [[], [], [], [2], [3]]
    core.execute(update(table).where(table.c.id > 0).values(email="All@x.org"))
    assert ids(session, Patient.email == "ALL@X.ORG") == [1, 2, 3, 4]


def test_a_unique_index_is_one(session: Session) -> None:
    """A second row of a value is refused, and upserts find the first."""
    session.commit()
    with pytest.raises(IntegrityError, match="ix_patient_ssn_bidx"):
        session.execute(insert(Patient), {"id": 9, "ssn": "078-05-1120"})
    session.rollback()
    for target in (["ssn"], [Patient.ssn], [table.c.ssn], ["ssn_bidx"]):
        statement = upsert(Patient).values(id=9, ssn="078-05-1120", note="again")
        session.execute(statement.on_conflict_do_nothing(index_elements=target))
        session.execute(
            statement.on_conflict_do_update(
                index_elements=target, set_={"note": statement.excluded.note, "ssn": statement.excluded.ssn}
            )
        )
    assert found(session, "078-05-1120") == [[1]]
    assert session.scalar(select(func.count()).select_from(Patient)) == 4
    assert session.scalar(select(Patient.note).where(by == "078-05-1120")) == "again"
    with pytest.raises(UnsupportedStatementError, match=r"note is encrypted .* give it index=BlindIndex"):
        session.execute(statement.on_conflict_do_nothing(index_elements=["note"]))


def test_an_upsert_sets_digests_too(session: Session) -> None:
    """From excluded or a value."""
    for value, new in (("x", None), ("y", "y")):
        given = upsert(Claim).values(id=1, of=value)
        set_: Any = {"of": given.excluded.of if new is None else new}
        session.execute(given.on_conflict_do_update(index_elements=["id"], set_=set_))
        assert session.scalars(select(Claim.id).where(Claim.of == value)).all() == [1]


def test_columns_that_are_indexed_together(session: Session) -> None:
    """A flush completes what it sets; Core says what is missing; an upsert takes all."""
    lee = ("Lee", dt.date(1980, 1, 1))
    session.get_one(Patient, 2).last_name = "Li"
    session.get_one(Patient, 3).born = dt.date(1980, 1, 1)
    session.flush()
    assert (ids(session, person == lee), ids(session, person == ("Li", lee[1]))) == ([3], [2])
    with pytest.raises(UnsupportedStatementError, match="person_bidx indexes last_name, born together"):
        session.execute(update(Patient).where(Patient.id == 1).values(last_name="Lo"))
    session.execute(update(Patient).where(Patient.id == 1).values(last_name="Lo", born=lee[1]))
    assert ids(session, person == ("Lo", lee[1])) == [1]
    given = upsert(Patient).values(
        [{"id": 1, "last_name": "A", "born": lee[1]}, {"id": 8, "last_name": "B", "born": None}]
    )
    both = {"last_name": given.excluded.last_name, "born": given.excluded.born}
    session.execute(given.on_conflict_do_update(index_elements=["id"], set_=both))
    assert ids(session, person.in_([("A", lee[1]), ("B", lee[1])])) == [1]
    del both["born"]
    with pytest.raises(UnsupportedStatementError, match="together"):
        session.execute(given.on_conflict_do_update(index_elements=["id"], set_=both))
    literal: Any = {"last_name": "x", "born": None}
    with pytest.raises(UnsupportedStatementError, match="from excluded"):
        session.execute(given.on_conflict_do_update(index_elements=["id"], set_=literal))


def test_each_index_of_a_named_value_has_its_own_digest(session: Session) -> None:
    """One that many rows of parameters give by a name, to a column with several indexes."""
    named = update(table).where(table.c.id == bindparam("at")).values(ssn=bindparam("new"))
    session.execute(named, [{"at": 1, "new": "111-11-1111"}, {"at": 2, "new": "222-22-2222"}])
    assert ids(session, by == "222-22-2222") == [2]
    assert ids(session, by.by("ssn_last4_bidx") == "1111") == [1]
    assert ids(session, by.by("ssn_short_bidx").candidates("111-11-1111"))[:1] == [1]


def test_a_flush_completes_null_and_values_of_a_tenant(attached: Engine, session: Session) -> None:
    """What is indexed together with a NULL, or opens only for the tenant that the session runs for."""
    patient = session.get_one(Patient, 4)
    patient.last_name = "Lo"
    session.flush()
    patient.born = dt.date(1990, 1, 1)
    session.flush()
    assert ids(session, person == ("Lo", dt.date(1990, 1, 1))) == [4]
    patient.last_name, patient.born = "Lo", dt.date(1991, 1, 1)
    session.flush()
    assert ids(session, person == ("Lo", dt.date(1991, 1, 1))) == [4]
    with tenant("a"):
        session.add(both := Both(id=1, one="x", two="y"))
        session.commit()
        both.one = "z"
        session.commit()
        both.id = 2
        session.commit()
        pair: Any = Both.one
        found = select(Both.id, Both.two).where(pair.by("both") == ("z", "y"))
        assert session.execute(found).all() == [(2, "y")]


def test_nobody_writes_a_digest_by_hand(attached: Engine) -> None:
    """Nor reads one by accident."""
    with attached.begin() as connection:
        with pytest.raises(UnsupportedStatementError, match="ssn_bidx is written with ssn"):
            connection.execute(insert(table).values(id=1, ssn_bidx=b"x"))
        assert set(connection.execute(select(table)).keys()) == {
            each.key for each in Patient.__mapper__.attrs
        }
        result = connection.execute(insert(table).values(id=1, ssn="a"))
        assert result.last_inserted_params() == {"id": 1, "ssn": "a"}
