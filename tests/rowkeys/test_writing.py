"""One data key a row: what is written, and what is read back."""

from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from sqlalchemy_envelope import UnsupportedStatementError

from .conftest import Person, Sent, deks, person, values, values_in

ROWS = [{"id": n, "ssn": f"s{n}", "email": f"e{n}", "age": n} for n in (1, 2)]


@pytest.fixture
def filled(attached: Engine) -> Engine:
    """Two rows."""
    with attached.begin() as connection:
        connection.execute(insert(person), ROWS)
    return attached


def test_a_row_has_one_key(filled: Engine) -> None:
    """For all of its columns, and another than the next row's."""
    assert len(set(deks(filled).values())) == 2
    assert values(filled) == {1: ("s1", "e1", 1), 2: ("s2", "e2", 2)}


@pytest.mark.parametrize("how", ["values", "rows", "mixed", "partial"])
def test_every_form_of_insert(attached: Engine, how: str) -> None:
    """VALUES, many rows, parameters, and both."""
    with attached.begin() as connection:
        if how == "values":
            connection.execute(insert(person).values(**ROWS[0]))
        elif how == "rows":
            connection.execute(insert(person).values([ROWS[0], {**ROWS[1], "ssn": None}]))
        elif how == "mixed":
            connection.execute(
                insert(person).values(ssn="s", email=bindparam("mail")),
                [{"id": 1, "mail": "a", "age": 1}, {"id": 2, "mail": None, "age": 2}],
            )
        else:
            connection.execute(insert(person), [{"id": 1, "ssn": "s1"}, {"id": 2, "ssn": None}])
    expected = {
        "values": {1: ("s1", "e1", 1)},
        "rows": {1: ("s1", "e1", 1), 2: (None, "e2", 2)},
        "mixed": {1: ("s", "a", 1), 2: ("s", None, 2)},
        "partial": {1: ("s1", None, None), 2: (None, None, None)},
    }
    assert values(attached) == expected[how]
    assert [each is None for each in deks(attached).values()] == [False, how == "partial"][
        : len(values(attached))
    ]


def test_some_columns_by_primary_key(filled: Engine) -> None:
    """One more statement for all rows, and the key stays."""
    before = deks(filled)
    sent = Sent(filled)
    with filled.begin() as connection:
        connection.execute(update(person).where(person.c.id == 1).values(ssn="new"))
        assert len(sent) == 2
        connection.execute(
            update(person).where(person.c.id == bindparam("key")).values(email=bindparam("mail")),
            [{"key": 1, "mail": "m1"}, {"key": 2, "mail": None}, {"key": 99, "mail": "m"}],
        )
    assert len(sent) == 2 + 1 + 1 or len(sent) == 2 + 1 + 3
    assert values(filled) == {1: ("new", "m1", 1), 2: ("s2", None, 2)}
    assert deks(filled) == before


def test_the_orm_writes_some_columns(filled: Engine) -> None:
    """A flush with several rows, one of them without a key yet."""
    with Session(filled) as session:
        session.add(Person(id=3))
        session.commit()
        found = {each.id: each for each in session.scalars(select(Person))}
        found[1].ssn, found[2].ssn, found[3].ssn = "a", "b", "c"
        sent = Sent(filled)
        session.commit()
        assert sent.reads == 1
        found[3].age = 5
        session.commit()
    assert values(filled) == {1: ("a", "e1", 1), 2: ("b", "e2", 2), 3: ("c", None, 5)}


def test_the_orm_s_own_statements(filled: Engine) -> None:
    """Many rows by attributes, one row by key, rows by keys."""
    with Session(filled) as session:
        session.execute(insert(Person).values([{"id": 3, "ssn": "s3"}, {"id": 4, "ssn": "s4"}]))
        found = session.get_one(Person, 1)
        session.execute(update(Person).where(Person.id == 1).values(ssn="one"))
        assert (found.ssn, found.email) == ("one", "e1")
        session.execute(update(Person), [{"id": 2, "email": "two"}, {"id": 3, "email": "three"}])
        session.commit()
    assert values(filled) == {
        1: ("one", "e1", 1),
        2: ("s2", "two", 2),
        3: ("s3", "three", None),
        4: ("s4", None, None),
    }


def test_keys_are_given_as_they_are_read(filled: Engine) -> None:
    """Of several rows it would not be known which is which. One row is the one that was asked for."""
    some = update(person).where(person.c.id == bindparam("key")).values(ssn=bindparam("new"))
    with filled.begin() as connection:
        connection.execute(some, {"key": "1", "new": "x"})
        with pytest.raises(UnsupportedStatementError, match=r"person\.ssn is set in rows whose id"):
            connection.execute(some, [{"key": "1", "new": "y"}, {"key": "2", "new": "z"}])
    assert values(filled)[1] == ("x", "e1", 1)


def test_all_columns_get_a_new_key(filled: Engine) -> None:
    """By criteria too, and without a read."""
    before = deks(filled)
    sent = Sent(filled)
    with filled.begin() as connection:
        connection.execute(update(person).values(ssn="x", email="y", age=7))
        assert len(sent) == 1
    assert values(filled) == dict.fromkeys((1, 2), ("x", "y", 7))
    assert not set(deks(filled).values()) & set(before.values())


def test_some_columns_by_criteria_are_refused(filled: Engine) -> None:
    """The others would be left without their key. NULL needs none."""
    with filled.begin() as connection:
        with pytest.raises(UnsupportedStatementError, match=r"person\.ssn shares .* email, ssn together"):
            connection.execute(update(person).where(person.c.note.is_(None)).values(ssn="x"))
        connection.execute(update(person).where(person.c.note.is_(None)).values(ssn=None))
    assert values(filled) == {1: (None, "e1", 1), 2: (None, "e2", 2)}


def test_upserts(filled: Engine) -> None:
    """All from excluded or all values; some are refused."""
    new: Any = upsert(person).values(
        [{**ROWS[0], "ssn": "up"}, {"id": 3, "ssn": "s3", "email": None, "age": None}]
    )
    with filled.begin() as connection:
        keys = ("ssn", "email", "age")
        connection.execute(
            new.on_conflict_do_update(index_elements=["id"], set_={k: new.excluded[k] for k in keys})
        )
        assert values_in(connection) == {1: ("up", "e1", 1), 2: ("s2", "e2", 2), 3: ("s3", None, None)}
        connection.execute(
            new.on_conflict_do_update(index_elements=["id"], set_={"ssn": "a", "email": "b", "age": 3})
        )
        assert values_in(connection)[1] == ("a", "b", 3)
        connection.execute(new.on_conflict_do_update(index_elements=["id"], set_={"ssn": None}))
        assert values_in(connection)[1] == (None, "b", 3)
        for set_ in (
            {"ssn": "a"},
            {"ssn": new.excluded.ssn},
            {"ssn": new.excluded.ssn, "email": "b", "age": 1},
        ):
            with pytest.raises(UnsupportedStatementError, match="row_dek"):
                connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=set_))
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["id"], set_={"ssn": new.excluded.ssn, "email": None, "age": new.excluded.age}
            )
        )
        assert values_in(connection)[1] == ("up", None, 1)
