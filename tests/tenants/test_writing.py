"""Whose a written value is, by every way of writing one."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, String, Text, bindparam, event, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

from sqlalchemy_envelope import TenantError, UnsupportedStatementError, tenant

from .conftest import A, B, Company, Document, Numbered, Own, Person, Related

p: Any = Person.__table__
PEOPLE = select(Person.id, Person.tenant_id, Person.ssn, Person.phone).order_by(Person.id)


def rows(session: Session) -> list[tuple[Any, ...]]:
    """All people, as they open."""
    return [tuple(row) for row in session.execute(PEOPLE)]


def _added(session: Session, added: Any) -> None:
    session.add(added)
    session.flush()


def _set(session: Session, person: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(person, name, value)
    session.flush()


def _expired(session: Session) -> Person:
    person = session.get_one(Person, 1)
    session.expire(person, ["tenant_id"])
    return person


INSERTS: dict[str, Callable[[Session], Any]] = {
    "core": lambda s: s.connection().execute(insert(p).values(id=1, tenant_id=A, ssn="x")),
    "core parameters": lambda s: s.connection().execute(insert(p), {"id": 1, "tenant_id": A, "ssn": "x"}),
    "core bindparam": lambda s: s.connection().execute(
        insert(p).values(id=1, tenant_id=bindparam("t"), ssn="x"), {"t": A}
    ),
    "core multi": lambda s: s.connection().execute(insert(p).values([{"id": 1, "tenant_id": A, "ssn": "x"}])),
    "core tuples": lambda s: s.connection().execute(insert(p).values([(1, A, "x", None, None)])),
    "orm bulk": lambda s: s.execute(insert(Person), [{"id": 1, "tenant_id": A, "ssn": "x"}]),
    "orm values": lambda s: s.execute(insert(Person).values(id=1, tenant_id=A, ssn="x")),
    "orm multi": lambda s: s.execute(insert(Person).values([{"id": 1, "tenant_id": A, "ssn": "x"}])),
    "unit of work": lambda s: _added(s, Person(id=1, tenant_id=A, ssn="x")),
    "mappings": lambda s: s.bulk_insert_mappings(Person, [{"id": 1, "tenant_id": A, "ssn": "x"}]),
    "objects": lambda s: s.bulk_save_objects([Person(id=1, tenant_id=A, ssn="x")]),
    "mixed": lambda s: s.connection().execute(insert(p).values(tenant_id=A), {"id": 1, "ssn": "x"}),
}


@pytest.mark.parametrize("how", INSERTS)
def test_an_insert_takes_the_rows_tenant(session: Session, how: str) -> None:
    """By whichever way it names it."""
    INSERTS[how](session)
    session.flush()
    assert rows(session) == [(1, A, "x", None)]


FILLED: dict[str, Callable[[Session], Any]] = {
    "core": lambda s: s.connection().execute(insert(p).values(id=1, ssn="x")),
    "core parameters": lambda s: s.connection().execute(insert(p), [{"id": 1, "ssn": "x"}]),
    "core null": lambda s: s.connection().execute(insert(p).values(id=1, ssn="x", tenant_id=None)),
    "core multi": lambda s: s.connection().execute(insert(p).values([{"id": 1, "ssn": "x"}])),
    "orm bulk": lambda s: s.execute(insert(Person), [{"id": 1, "ssn": "x"}]),
    "orm values": lambda s: s.execute(insert(Person).values(id=1, ssn="x")),
    "orm multi": lambda s: s.execute(insert(Person).values([{"id": 1, "ssn": "x"}])),
    "unit of work": lambda s: _added(s, Person(id=1, ssn="x")),
    "mappings": lambda s: s.bulk_insert_mappings(Person, [{"id": 1, "ssn": "x"}]),
    "returning": lambda s: s.execute(insert(Person).returning(Person), [{"id": 1, "ssn": "x"}]).all(),
}


@pytest.mark.parametrize("how", FILLED)
def test_an_insert_is_filled_in_from_the_context(session: Session, how: str) -> None:
    """The row's column too, so that the row says whose it is."""
    with tenant(A):
        FILLED[how](session)
    assert rows(session) == [(1, A, "x", None)]


@pytest.mark.parametrize("how", FILLED)
def test_an_insert_without_a_tenant_sends_nothing(session: Session, how: str) -> None:
    """And says which table and column lack one, and what to do."""
    with pytest.raises(TenantError, match=r"person\.ssn .*person\.tenant_id .*with tenant"):
        FILLED[how](session)
    session.rollback()
    assert rows(session) == []


@pytest.mark.parametrize("how", INSERTS)
def test_an_insert_of_another_tenant_than_the_contexts_is_refused(session: Session, how: str) -> None:
    """By whichever way."""
    with tenant(B), pytest.raises(TenantError, match=r"person\.tenant_id names another tenant"):
        INSERTS[how](session)


def test_a_row_without_a_value_needs_no_tenant(session: Session) -> None:
    """NULL is not encrypted."""
    session.add(Person(id=1, note="n"))
    session.flush()
    assert rows(session) == [(1, None, None, None)]


def test_rows_of_many_tenants_are_sealed_in_one_batch(session: Session) -> None:
    """Each for its own."""
    given = [{"id": n, "tenant_id": (A, B)[n % 2], "ssn": f"s{n}", "phone": None} for n in range(7)]
    session.execute(insert(Person), given)
    assert rows(session) == [(each["id"], each["tenant_id"], each["ssn"], None) for each in given]


def test_the_context_fills_the_object_in(session: Session) -> None:
    """As a default would: the attribute holds it after the flush, of the column's own type."""
    with tenant("12"):
        numbered = Numbered(nr=1, secret="x")
        session.add(numbered)
        session.flush()
    assert vars(numbered)["owner"] == 12
    with tenant("no number"), pytest.raises(TenantError, match=r"no value of numbered\.owner_id"):
        session.execute(insert(Numbered).values(nr=2, secret="x"))


def test_defaults_and_relationships_name_tenants(session: Session) -> None:
    """A Python default is evaluated beforehand; a parent's key is there when its child is written."""
    session.add(Related(id=1, company=Company(id=A), secret="x", of_company="y"))
    session.flush()
    session.execute(insert(Related), [{"id": 2, "company_id": A, "secret": "z", "uid": UUID(int=8)}])
    session.expire_all()
    found = session.scalars(select(Related).order_by(Related.id)).all()
    assert [(each.secret, each.of_company, each.uid.int) for each in found] == [("x", "y", 7), ("z", None, 8)]


def test_two_tenants_of_one_row_are_kept_apart(session: Session) -> None:
    """Each column by its own, in one flush."""
    session.add(Related(id=1, company=Company(id=A), secret="x", of_company="y"))
    session.commit()
    related = session.get_one(Related, 1)
    related.secret, related.of_company = "x2", "y2"
    session.commit()
    assert session.execute(select(Related.secret, Related.of_company)).all() == [("x2", "y2")]


def test_a_tenant_is_known_by_any_of_its_names(session: Session) -> None:
    """The attribute's, the key, the column's own."""
    table: Any = Numbered.__table__
    session.execute(insert(Numbered).values(owner=1, nr=1, secret="x"))
    session.execute(insert(Numbered).values([{"owner": 1, "nr": 2, "secret": "x"}]))
    session.execute(insert(Numbered), [{"owner": 2, "nr": 3, "secret": "x"}])
    session.execute(insert(Numbered).values({Numbered.owner: 3, Numbered.nr: 4, Numbered.secret: "x"}))
    session.connection().execute(insert(table), [{"owner_id": 4, "nr": 5, "secret": "x"}])
    session.connection().execute(insert(table).values({table.c.owner_id: 4, "nr": 6, "secret": "x"}))
    session.execute(update(Numbered).where(Numbered.owner == 1).values(secret="y"))
    session.execute(update(Numbered), [{"owner": 2, "nr": 3, "secret": "y"}])
    assert session.scalars(select(Numbered.secret).order_by(Numbered.nr)).all() == [
        "y",
        "y",
        "y",
        "x",
        "x",
        "x",
    ]


def test_an_sql_expression_names_no_tenant(session: Session) -> None:
    """Nobody but the database knows it."""
    with pytest.raises(TenantError, match=r"person\.tenant_id is set by an SQL expression"):
        session.execute(insert(Person).values(id=1, tenant_id=func.lower("A"), ssn="x"))


class Upper(TypeDecorator[str]):
    """Changes what is sent."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return value and value.upper()


def test_a_parameter_of_a_type_that_changes_it_names_no_tenant(people: Session) -> None:
    """What is compared or stored is another text than the one that was given."""
    for given in (literal("x", Upper()), literal("x", JSON()), bindparam("tenant_id", "x", type_=Upper())):
        with pytest.raises(TenantError, match=r"person\.tenant_id is set by an SQL expression"):
            people.execute(insert(p).values(id=3, tenant_id=given, ssn="x"))
    with pytest.raises(TenantError, match=r"person\.tenant_id is set by an SQL expression"):
        people.execute(insert(p).values(tenant_id=given), [{"id": 3, "tenant_id": "x", "ssn": "x"}])
    with pytest.raises(TenantError, match=r"person\.tenant_id is not in the UPDATE"):
        people.execute(update(p).where(p.c.tenant_id == literal("x", Upper())).values(ssn="x"))
    people.execute(update(p).where(p.c.tenant_id == literal(A, String(9))).values(ssn="new"))
    assert rows(people)[0] == (1, A, "new", "p1")


UPDATES: dict[str, Callable[[Session], Any]] = {
    "where": lambda s: s.execute(
        update(Person).where(Person.tenant_id == A, Person.id == 1).values(ssn="new")
    ),
    "core where": lambda s: s.connection().execute(
        update(p).where((p.c.id == 1) & (p.c.tenant_id == A)).values(ssn="new")
    ),
    "bindparam": lambda s: s.connection().execute(
        update(p).where(p.c.tenant_id == bindparam("t")).values(ssn=bindparam("v")), [{"t": A, "v": "new"}]
    ),
    "object": lambda s: _set(s, s.get(Person, 1), ssn="new"),
    "expired object": lambda s: _set(s, _expired(s), ssn="new"),
    "unloaded": lambda s: _set(s, s.merge(Person(id=1)), ssn="new"),
    "by key": lambda s: s.execute(update(Person), [{"id": 1, "tenant_id": A, "ssn": "new"}]),
    "mappings": lambda s: s.bulk_update_mappings(Person, [{"id": 1, "tenant_id": A, "ssn": "new"}]),
    "set to the same": lambda s: s.execute(
        update(Person).where(Person.tenant_id == A).values(ssn="new", tenant_id=A)
    ),
}


@pytest.mark.parametrize("how", UPDATES)
def test_an_update_takes_the_tenant_of_its_rows(people: Session, how: str) -> None:
    """From WHERE, from the parameters, from the object."""
    UPDATES[how](people)
    people.flush()
    people.expire_all()
    assert rows(people) == [(1, A, "new", "p1"), (2, B, "s2", "p2")]


OF_CONTEXT: dict[str, Callable[[Session], Any]] = {
    "orm": lambda s: s.execute(update(Person).values(ssn="new")),
    "core": lambda s: s.connection().execute(update(p).values(ssn="new")),
    "by key": lambda s: s.execute(update(Person), [{"id": 1, "ssn": "new"}]),
    "query": lambda s: s.query(Person).update({"ssn": "new"}),
    "mappings": lambda s: s.bulk_update_mappings(Person, [{"id": 1, "ssn": "new"}]),
}


@pytest.mark.parametrize("how", OF_CONTEXT)
def test_an_update_finds_rows_of_the_contexts_tenant_only(people: Session, how: str) -> None:
    """Where it names none, the context's is added to its WHERE."""
    with tenant(A):
        OF_CONTEXT[how](people)
    assert rows(people) == [(1, A, "new", "p1"), (2, B, "s2", "p2")]


def test_objects_of_other_tenants_stay_as_they_are(people: Session) -> None:
    """What an UPDATE did not find in the database, the ORM does not change in its session."""
    one, two = people.scalars(select(Person).order_by(Person.id)).all()
    with tenant(A):
        people.execute(update(Person).values(ssn="new"))
    assert (vars(one)["ssn"], vars(two)["ssn"]) == ("new", "s2")


@pytest.mark.parametrize("how", OF_CONTEXT)
def test_an_update_without_a_tenant_is_refused(people: Session, how: str) -> None:
    """With what to do."""
    with pytest.raises(TenantError, match=r"person\.ssn .*add \.where\(person\.tenant_id"):
        OF_CONTEXT[how](people)


def test_an_update_to_null_needs_no_tenant(people: Session) -> None:
    """It encrypts nothing. A context still keeps it to its own rows."""
    with tenant(A):
        people.execute(update(Person).values(phone=None))
    assert rows(people) == [(1, A, "s1", None), (2, B, "s2", "p2")]
    people.execute(update(Person).values(ssn=None))
    assert rows(people) == [(1, A, None, None), (2, B, None, "p2")]


def test_an_or_names_no_tenant(people: Session) -> None:
    """Rows of others match it too."""
    with pytest.raises(TenantError):
        people.execute(update(Person).where((Person.tenant_id == A) | (Person.id == 2)).values(ssn="new"))


def test_a_flush_updates_rows_of_several_tenants(people: Session) -> None:
    """In one executemany, each sealed for its own; whoever moved a row meanwhile is noticed."""
    for person in people.scalars(select(Person)):
        person.ssn = f"new {person.id}"
    people.flush()
    people.expire_all()
    assert rows(people) == [(1, A, "new 1", "p1"), (2, B, "new 2", "p2")]


def test_a_flush_notices_a_row_whose_tenant_was_changed(people: Session) -> None:
    """Its value would never open there."""
    person = people.get_one(Person, 1)
    people.execute(text("update person set tenant_id = 'other' where id = 1"))
    person.ssn = "new"
    with pytest.raises(StaleDataError):
        people.flush()


def test_an_update_by_key_with_another_tenant_finds_nothing(people: Session) -> None:
    """What it names is what it expects, unless it sets all that is encrypted for the row."""
    with pytest.raises(StaleDataError):
        people.execute(update(Person), [{"id": 1, "tenant_id": B, "ssn": "new"}])
    people.rollback()
    people.execute(update(Person), [{"id": 1, "tenant_id": B, "ssn": "new", "phone": None}])
    assert rows(people) == [(1, B, "new", None), (2, B, "s2", "p2")]


@pytest.mark.parametrize("of", [None, B])
def test_an_object_takes_its_values_to_its_new_tenant(people: Session, of: str | None) -> None:
    """All of them, loaded or not, in the same flush, though its session runs for the new tenant already."""
    person = people.get_one(Person, 1)
    people.expire(person, ["phone"])
    person.tenant_id = B
    person.ssn = "new"
    with nullcontext() if of is None else tenant(of):
        people.flush()
    assert person.phone == "p1"
    people.commit()
    assert rows(people)[0] == (1, B, "new", "p1")


@pytest.mark.parametrize("of", [None, B])
def test_a_row_that_changes_hands_takes_along_what_others_wrote(people: Session, of: str | None) -> None:
    """Since it was loaded, and though its session runs for the new tenant already."""
    person = people.get_one(Person, 1)
    assert person.ssn == "s1"
    with Session(people.get_bind()) as other:
        other.get_one(Person, 1).ssn = "theirs"
        other.commit()
    person.tenant_id = B
    with nullcontext() if of is None else tenant(of):
        people.flush()
    assert person.ssn == "theirs"
    people.commit()
    assert rows(people)[0] == (1, B, "theirs", "p1")


def test_an_object_of_another_tenant_takes_a_deleted_ones_row(people: Session) -> None:
    """In one flush that is an UPDATE, and what the new object doesn't set is taken along."""
    people.delete(people.get_one(Person, 1))
    people.add(Person(id=1, tenant_id=B, ssn="new"))
    people.commit()
    assert rows(people)[0] == (1, B, "new", "p1")


def test_a_listener_that_comes_first_changes_what_it_likes(people: Session) -> None:
    """Before the library looks at what a flush is going to write."""

    def stamp(_mapper: Any, _connection: Any, person: Person) -> None:
        person.tenant_id, person.ssn = B, "stamped"

    event.listen(Person, "before_update", stamp, insert=True)
    try:
        people.get_one(Person, 1).note = "x"
        people.flush()
    finally:
        event.remove(Person, "before_update", stamp)
    assert rows(people)[0] == (1, B, "stamped", "p1")


def test_null_and_json_null_stay_apart_in_a_row_that_changes_hands(session: Session) -> None:
    """Both are None to who reads them."""
    session.add_all([Document(id=1, tenant_id=A), Document(id=2, tenant_id=A, content=None)])
    session.commit()
    for document in session.scalars(select(Document)):
        document.tenant_id = B
    session.commit()
    is_null = select(Document.content.is_(None)).order_by(Document.id)
    assert session.scalars(is_null).all() == [True, False]
    assert session.scalars(select(Document.content)).all() == [None, None]


def test_a_parents_new_key_takes_its_childrens_values_along(session: Session) -> None:
    """A relationship sets the tenant column during the flush."""
    session.add(Related(id=1, company=Company(id=A), of_company="y"))
    session.commit()
    session.get_one(Related, 1).company = Company(id=B)
    session.commit()
    assert session.get_one(Related, 1).of_company == "y"


MOVES: dict[str, Callable[[Session], Any]] = {
    "orm": lambda s: s.execute(update(Person).where(Person.id == 1).values(tenant_id=B)),
    "with one": lambda s: s.execute(update(Person).where(Person.id == 1).values(tenant_id=B, ssn="new")),
    "core": lambda s: s.connection().execute(update(p).values(tenant_id=B)),
    "expression": lambda s: s.execute(update(Person).values(tenant_id=func.lower("B"))),
    "null": lambda s: s.execute(update(Person).values(tenant_id=None)),
    "cte": lambda s: s.execute(select(update(p).values(tenant_id=B).returning(p.c.id).cte())),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_tenant_is_not_changed_under_its_values(people: Session, how: str) -> None:
    """They would never open again."""
    with pytest.raises(UnsupportedStatementError, match=r"person\."):
        MOVES[how](people)


def test_a_tenant_is_changed_with_all_its_values(people: Session) -> None:
    """In one statement."""
    people.execute(update(Person).where(Person.id == 1).values(tenant_id=B, ssn="new", phone=None))
    assert rows(people)[0] == (1, B, "new", None)


def test_a_primary_key_that_holds_the_tenant_names_it(session: Session) -> None:
    """A flush finds the row by it; another key takes the values along."""
    session.add(Numbered(owner=1, nr=1, secret="x"))
    session.commit()
    numbered = session.get_one(Numbered, (1, 1))
    numbered.secret = "y"
    session.commit()
    numbered.owner = 2
    session.commit()
    assert session.scalars(select(Numbered.secret)).all() == ["y"]


ROW = upsert(Person).values(id=1, tenant_id=B, ssn="new", phone=None, note="n")
NEW = ROW.excluded


def test_an_upsert_may_meet_another_tenants_row(people: Session) -> None:
    """Where it names neither the tenant as what conflicts, nor what to do, it is refused."""
    for set_ in ({"ssn": NEW.ssn}, {"ssn": "y"}, {"tenant_id": NEW.tenant_id}, {"tenant_id": A}):
        with pytest.raises(
            UnsupportedStatementError, match=r"person\.tenant_id names the tenant of .*phone|ssn"
        ):
            people.execute(ROW.on_conflict_do_update(index_elements=["id"], set_=set_))
    moved = {"tenant_id": "literal", "ssn": "y", "phone": None}
    with pytest.raises(UnsupportedStatementError):
        people.execute(ROW.on_conflict_do_update(constraint="person_note", set_=moved))
    assert rows(people) == [(1, A, "s1", "p1"), (2, B, "s2", "p2")]


def test_an_upsert_that_can_meet_no_other_tenants_row_works(people: Session) -> None:
    """By its conflict target, by WHERE, or because it replaces all."""
    where = Person.__table__.c.tenant_id == NEW.tenant_id
    people.execute(ROW.on_conflict_do_update(index_elements=["id"], set_={"ssn": NEW.ssn}, where=where))
    assert rows(people)[0] == (1, A, "s1", "p1")
    whole = {"tenant_id": NEW.tenant_id, "ssn": NEW.ssn, "phone": NEW.phone, "note": NEW.note}
    people.execute(ROW.on_conflict_do_update(index_elements=["id"], set_=whole))
    assert rows(people)[0] == (1, B, "new", None)
    again = ROW.values(id=9)
    people.execute(
        again.on_conflict_do_update(constraint="person_note", set_={"ssn": "y", "phone": NEW.phone})
    )
    assert rows(people)[0] == (1, B, "y", None)


def test_a_context_tenants_values_need_a_context(session: Session) -> None:
    """To be written, and to be read; NULL does not."""
    with tenant(A):
        session.add(Own(id=1, secret="x"))
        session.flush()
        session.execute(update(Own).values(secret="y"))
        assert session.scalars(select(Own.secret)).all() == ["y"]
    session.execute(insert(Own).values(id=2, note="n"))
    session.execute(update(Own).where(Own.id == 2).values(secret=None))
    for statement in (
        insert(Own).values(id=3, secret="x"),
        update(Own).values(secret="x"),
        select(Own.secret),
    ):
        with pytest.raises(TenantError, match=r"own\.secret .*with tenant"):
            session.execute(statement)
