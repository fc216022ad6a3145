"""Each tenant has a key of its own, so that equal values of two have different digests."""

from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased

from sqlalchemy_envelope import TenantError, tenant

from .conftest import Company, Own, Person

by: Any = Person.ssn


@pytest.fixture
def people(attached: Engine) -> Any:
    """Two tenants' people, of whom one of each has the same number."""
    with Session(attached) as session:
        session.add_all([Company(id="a"), Company(id="b")])
        session.flush()
        rows = [(1, "a", "same"), (2, "b", "same"), (3, "a", "x"), (4, "b", None)]
        session.add_all([Person(id=at, tenant_id=of, ssn=ssn) for at, of, ssn in rows])
        session.commit()
        yield session


def ids(session: Session, *where: Any, **options: Any) -> list[int]:
    """The people that a condition finds."""
    return list(
        session.scalars(select(Person.id).where(*where).order_by(Person.id), execution_options=options)
    )


def test_a_search_is_for_one_tenant(people: Session) -> None:
    """By the context, the option, or WHERE."""
    assert ids(people, by == "same", Person.tenant_id == "a") == [1]
    assert ids(people, by == "same", tenant="b") == [2]
    with tenant("a"):
        assert ids(people, by.in_(["same", "x"])) == [1, 3]
        assert ids(people, by != "x") == [1]
        assert ids(people, by.not_in(["same"])) == [3]
        with pytest.raises(TenantError, match="of another tenant"):
            ids(people, by == "same", Person.tenant_id == "b")
    with pytest.raises(TenantError, match=r"person\.ssn is searched for one tenant.*person\.tenant_id =="):
        ids(people, by == "same")
    joined = select(Person.id).join(Company, Person.tenant_id == Company.id)
    assert list(people.scalars(joined.where(Company.id == "b", by == "same"))) == [2]
    assert people.scalar(text("SELECT count(DISTINCT ssn_bidx) FROM person")) == 3


def test_rows_of_a_tenant_are_changed(people: Session) -> None:
    """And of no other."""
    people.execute(update(Person).where(by == "same", Person.tenant_id == "a").values(ssn="new"))
    assert ids(people, by == "new", tenant="a") == [1]
    people.execute(delete(Person).where(by == "same", Person.tenant_id == "b"))
    assert ids(people) == [1, 3, 4]
    person = people.get_one(Person, 3)
    person.tenant_id = "b"
    people.flush()
    assert (ids(people, by == "x", tenant="a"), ids(people, by == "x", tenant="b")) == ([], [3])


def test_what_a_search_can_not_tell_of_other_tenants_rows(people: Session) -> None:
    """Is neither true nor false, whatever is made of it: none is found by the falsehood of a comparison."""
    with tenant("a"):
        for false in (
            ~((by == "same") & (Person.id > 0)),
            (by == "same").is_(False),
            ~((by != "x") | (by == "q")),
        ):
            assert ids(people, false) == [3]
        told = select(Person.id, by == "same").order_by(Person.id)
        assert [each for _, each in people.execute(told)] == [True, None, False, None]


def test_objects_of_other_tenants_are_let_alone(people: Session) -> None:
    """By a DELETE, which finds the rows of one tenant."""
    same = people.scalars(select(Person).where(Person.id.in_([1, 2]))).all()
    assert [each.ssn for each in same] == ["same", "same"]
    with tenant("a"):
        people.execute(delete(Person).where(by == "same"))
    assert [each in people for each in same] == [False, True]


def test_tenants_may_have_the_same_unique_value(people: Session) -> None:
    """And conflicts are within one."""
    given = upsert(Person).values(id=9, tenant_id="a", ssn="same")
    set_ = {"ssn": given.excluded.ssn}
    people.execute(given.on_conflict_do_update(index_elements=["ssn"], set_=set_))
    people.execute(upsert(Person).values(id=9, tenant_id="b", ssn="x").on_conflict_do_nothing())
    assert (ids(people, by == "same", tenant="a"), ids(people, by == "x", tenant="b")) == ([1], [9])
    other = aliased(Person)
    pairs = select(Person.id, other.id).where(Person.ssn != other.ssn)
    assert sorted(map(tuple, people.execute(pairs))) == [(1, 3), (2, 9), (3, 1), (9, 2)]


def test_the_tenant_of_the_context(attached: Engine) -> None:
    """Says whose digests are written and looked for."""
    own: Any = Own.secret
    with Session(attached) as session:
        for of in ("a", "b"):
            with tenant(of):
                session.add(Own(secret="same"))
                session.flush()
        for at, of in enumerate(("a", "b"), 1):
            with tenant(of):
                assert list(session.scalars(select(Own.id).where(own == "same"))) == [at]
        with tenant("b"):
            session.add(Own(id=9))
            session.flush()
            assert list(session.scalars(select(Own.id).where(own != "x"))) == [2]
            assert list(session.scalars(select(Own.id).where(own.not_in([])))) == [2, 9]
            assert list(session.scalars(select(Own.id).where(~((own == "x") & (Own.id < 9))))) == [2, 9]
            other = aliased(Own)
            assert session.execute(select(Own.id, other.id).where(own != other.secret)).all() == []
        with pytest.raises(TenantError, match="searched for one tenant"):
            session.scalars(select(Own.id).where(own == "same"))
