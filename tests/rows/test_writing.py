"""A value is sealed for the row that it is written to, whatever tells the row's key."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, delete, event, func, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, defer

from sqlalchemy_envelope import Envelope, InvalidValueError, UnsupportedStatementError, attach

from .conftest import Base, Entry, Owned, Person, Staff, Token, Typed

person: Any = Person.__table__


def ssns(session: Session) -> dict[int, str | None]:
    """What is stored, opened."""
    found = session.execute(select(person.c.id, person.c.ssn).order_by(person.c.id))
    return {row.id: row.ssn for row in found}


def test_a_flush_fetches_keys_of_the_database_once_a_statement(session: Session, sent: list[str]) -> None:
    """Keys that Python makes, or that are given, are not asked for."""
    session.add_all([Person(ssn=f"s{n}", phone="p") for n in range(30)])
    session.add_all([Token(secret=f"t{n}") for n in range(3)])
    session.add_all([Entry(book="ä", secret=f"e{n}") for n in range(3)])
    session.add_all([Staff(ssn="x", salary=f"m{n}") for n in range(3)])
    session.commit()
    assert sum("generate_series" in each for each in sent) == 2
    assert len(sent) == 2 + 4
    assert {each.ssn for each in session.scalars(select(Person))} == {f"s{n}" for n in range(30)} | {"x"}
    assert {each.secret for each in session.scalars(select(Token))} == {"t0", "t1", "t2"}
    assert {each.secret for each in session.scalars(select(Entry))} == {"e0", "e1", "e2"}
    assert {(each.ssn, each.salary) for each in session.scalars(select(Staff))} == {
        ("x", "m0"),
        ("x", "m1"),
        ("x", "m2"),
    }


def test_nothing_is_fetched_where_nothing_is_bound(session: Session, sent: list[str]) -> None:
    """A NULL is bound to no row, and neither is an unbound column's value."""
    session.add_all([Person(free="f", note="n"), Person(note="m")])
    session.execute(insert(person), [{"note": "o", "ssn": None}])
    session.commit()
    assert not any("generate_series" in each for each in sent)


def test_core_inserts_take_keys_from_wherever_they_are(session: Session) -> None:
    """Parameters, values(), many rows in one statement, RETURNING, and a part of each."""
    given = session.connection().execute(insert(person).values(ssn="a"))
    assert given.inserted_primary_key == (1,)
    session.execute(insert(person).values(id=20, ssn="b"))
    session.execute(insert(person), {"ssn": "c"})
    session.execute(insert(person), [{"ssn": "d", "id": 40}, {"ssn": "e", "id": None}])
    rows = [{"ssn": "f"}, {"ssn": None}, {"ssn": "g", "id": 60}]
    made = session.execute(insert(person).values(rows).returning(person.c.ssn)).scalars().all()
    assert sorted(each or "" for each in made) == ["", "f", "g"]
    both = session.execute(insert(Person).returning(Person), [{"ssn": "h"}, {"ssn": "i"}]).scalars().all()
    assert [each.ssn for each in both] == ["h", "i"]
    session.bulk_insert_mappings(Person.__mapper__, [{"ssn": "j"}])
    assert sorted(each for each in ssns(session).values() if each) == list("abcdefghij")


def test_a_key_that_only_the_database_would_tell_is_refused(session: Session) -> None:
    """Before anything is sent."""
    with pytest.raises(UnsupportedStatementError, match=r"primary key .id. only the database would tell"):
        session.execute(insert(person).values(id=func.abs(-5), ssn="a"))
    with pytest.raises(InvalidValueError, match=r"person.id is a key .* takes int"):
        session.execute(insert(person), {"id": "5", "ssn": "a"})
    with pytest.raises(InvalidValueError, match=r"entry.book is a key .* takes str"):
        session.execute(insert(Entry), {"book": "b" * 31, "nr": 1, "secret": "a"})


def test_a_row_is_updated_by_its_key(people: Session) -> None:
    """By a flush, by Core with a literal or a named parameter, by the ORM's bulk update."""
    people.get_one(Person, 1).ssn = "flushed"
    people.flush()
    people.execute(update(Person).where(Person.nr == 2).values(ssn="literal"))
    many = update(person).where(person.c.id == bindparam("nr")).values(ssn=bindparam("new"))
    people.connection().execute(many, [{"nr": 3, "new": "named"}])
    people.execute(update(Person), [{"nr": 4, "ssn": "bulk", "phone": None}])
    assert list(ssns(people).values()) == ["flushed", "literal", "named", "bulk"]
    found = people.execute(
        update(person).where(person.c.id == 1, person.c.note == "n1").values(ssn="r").returning(person.c.ssn)
    )
    assert found.scalar_one() == "r"


def test_an_update_of_rows_by_criteria_is_refused(people: Session) -> None:
    """Unless it is to NULL; and so is one value for several rows."""
    for statement in (
        update(Person).where(Person.note == "n1").values(ssn="x"),
        update(Person).where(Person.nr > 1).values(ssn="x"),
        update(Person).where((Person.nr == 1) | (Person.nr == 2)).values(ssn="x"),
        update(Person).values(ssn="x"),
    ):
        with pytest.raises(UnsupportedStatementError, match=r"primary key \(id\).*change the row's objects"):
            people.execute(statement)
    several = update(person).where(person.c.id == bindparam("nr")).values(ssn="x")
    with pytest.raises(UnsupportedStatementError, match="one value can't be sealed for several"):
        people.connection().execute(several, [{"nr": 3}, {"nr": 4}])
    people.execute(update(Person).where(Person.nr > 2).values(ssn=null(), note=None))
    people.execute(update(Person).where(Person.nr > 2).values(free="x"))
    assert list(ssns(people).values()) == ["s1", "s2", None, None]
    people.execute(delete(Person).where(Person.nr > 2))


def test_a_changed_key_takes_what_is_bound_to_it_along(people: Session) -> None:
    """Whether it was loaded, set in the same flush, or NULL; in a key of several columns as well."""
    changed = people.get_one(Person, 1)
    people.expire(changed)
    changed.nr, changed.phone = 100, "new"
    other = people.get_one(Person, 2)
    other.ssn = None
    people.flush()
    other.nr = 200
    people.add(Entry(book="a", nr=1, secret="e"))
    people.commit()
    people.get_one(Entry, ("a", 1)).book = "b"
    people.commit()
    read = select(person.c.id, person.c.ssn, person.c.phone).where(person.c.id >= 100).order_by(person.c.id)
    assert people.execute(read).all() == [(100, "s1", "new"), (200, None, "p2")]
    assert people.scalar(select(Entry.secret).where(Entry.book == "b")) == "e"


def test_what_a_changed_key_takes_along_is_not_set_again(people: Session, attached: Engine) -> None:
    """What others wrote meanwhile comes as if it was loaded: validators don't see it, mutables know it."""
    people.add(Typed(id=1, marks=[1]))
    people.commit()
    one, typed = people.get_one(Person, 1), people.get_one(Typed, 1)
    assert (one.ssn, typed.marks) == ("s1", [1])
    with Session(attached) as other:
        other.get_one(Person, 1).ssn = "theirs"
        other.get_one(Typed, 1).marks = [1, 2]
        other.commit()
    event.listen(Person.ssn, "set", _twice, retval=True)
    try:
        one.nr, typed.id = 10, 20
        people.flush()
    finally:
        event.remove(Person.ssn, "set", _twice)
    typed.marks.append(3)
    people.commit()
    assert (one.ssn, typed.marks) == ("theirs", [1, 2, 3])


def _twice(_instance: Person, value: str, *_: Any) -> str:
    return value * 2


def test_a_flush_reads_what_the_application_may_not_load(session: Session) -> None:
    """`raiseload` of the tenant, and of what a new tenant or key takes along."""
    session.add_all([Owned(id=n, tenant_id="a", secret=f"s{n}") for n in (1, 2, 3)])
    session.commit()
    unloaded = select(Owned).options(defer("*", raiseload=True)).order_by(Owned.id)
    first, second, third = session.scalars(unloaded.execution_options(populate_existing=True))
    first.secret, second.tenant_id, third.id = "new", "b", 30
    session.commit()
    session.expunge_all()
    found = session.scalars(select(Owned).order_by(Owned.id)).all()
    assert [(each.id, each.tenant_id, each.secret) for each in found] == [
        (1, "a", "new"),
        (2, "b", "s2"),
        (30, "a", "s3"),
    ]


def test_core_changes_a_key_only_with_all_that_is_bound_to_it(people: Session) -> None:
    """A change to the same key is none."""
    found = update(person).where(person.c.id == 1)
    counted = update(person).values(id=person.c.id + 1)
    set_ = (found.values(id=9), found.values(id=9, ssn="x"), update(person).values(id=9))
    for statement in (*set_, counted, counted.where(person.c.id == 1)):
        with pytest.raises(UnsupportedStatementError, match=r"can't be set alone: (phone, )?(phone|ssn)"):
            people.execute(statement)
    people.execute(found.values(id=9, ssn="x", phone=None))
    people.execute(update(person).where(person.c.id == 2).values(id=2, ssn="y"))
    assert ssns(people) == {2: "y", 3: "s3", 4: "s4", 9: "x"}


def test_an_upsert_conflicts_by_the_key(people: Session) -> None:
    """On another index the row in conflict is another than the new value was sealed for."""
    new = upsert(person)
    excluded = {"ssn": new.excluded.ssn}
    rows = [{"id": 1, "ssn": "up"}, {"id": 7, "ssn": "new"}]
    people.execute(new.on_conflict_do_update(index_elements=["id"], set_=excluded), rows)
    people.execute(
        upsert(person)
        .values(id=2, ssn="a")
        .on_conflict_do_update(constraint="person_pkey", set_={"ssn": "b"})
    )
    people.execute(
        new.on_conflict_do_update(index_elements=["note"], set_={"note": "n5"}), {"note": "n4", "ssn": "z"}
    )
    assert ssns(people) == {1: "up", 2: "b", 3: "s3", 4: "s4", 7: "new"}
    for index, set_ in (
        ("note", excluded),
        ("note", {"ssn": "x"}),
        ("note", {"id": 5}),
        ("id", {**excluded, "id": 5}),
    ):
        with pytest.raises(UnsupportedStatementError, match="the row in conflict may be another"):
            people.execute(new.on_conflict_do_update(index_elements=[index], set_=set_), {"ssn": "x"})


def test_a_tenants_values_are_bound_to_rows_too(session: Session) -> None:
    """Rows of several tenants in one statement, and a tenant that changes."""
    session.add_all([Owned(id=n, tenant_id=of, secret=f"{of}{n}") for n, of in enumerate("aabba")])
    session.commit()
    assert session.scalars(select(Owned.secret).order_by(Owned.id)).all() == ["a0", "a1", "b2", "b3", "a4"]
    moved = session.get_one(Owned, 1)
    moved.tenant_id, moved.id = "b", 11
    session.commit()
    assert session.get_one(Owned, 11, populate_existing=True).secret == "a1"


def test_values_of_every_type_are_bound(session: Session) -> None:
    """JSON's null is one, and needs a key like any other."""
    session.execute(insert(Typed).values(document=None))
    session.add_all([Typed(document={"a": 1}, born=date(2000, 2, 29), marks=[1]), Typed(document=null())])
    session.commit()
    first, second, third = session.scalars(select(Typed).order_by(Typed.id))
    assert (first.document, second.document, third.document) == (None, {"a": 1}, None)
    assert session.scalars(select(Typed.id).where(Typed.document.is_(None))).all() == [3]
    assert second.born == date(2000, 2, 29)
    second.marks.append(2)
    second.id = 22
    first.id = 11
    session.commit()
    assert session.get_one(Typed, 22, populate_existing=True).marks == [1, 2]
    assert session.scalars(select(Typed.document).where(Typed.document.is_not(None))).all() == [
        None,
        {"a": 1},
    ]


async def test_asynchronous_engines_do_the_same(async_engine: AsyncEngine, envelope: Envelope) -> None:
    """With both drivers."""
    attach(async_engine, envelope)
    async with async_engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        token, entry = Token(secret="t"), Entry(book="b", secret="e")
        session.add_all([token, entry, *(Person(ssn=f"s{n}") for n in range(3))])
        await session.commit()
        await session.execute(update(Person).where(Person.nr == 1).values(ssn="new"))
        read = await session.scalars(select(Person.ssn).order_by(Person.nr))
        assert read.all() == ["new", "s1", "s2"]
        await session.refresh(token)
        await session.refresh(entry)
        assert (token.secret, entry.secret) == ("t", "e")
