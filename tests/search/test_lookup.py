"""Values are found by the normal operators, through every way that a statement can compare them."""

import datetime as dt
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    Enum,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    lambda_stmt,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.orm import Session, aliased

from sqlalchemy_envelope import (
    BlindIndex,
    ConfigurationError,
    EncryptedText,
    InvalidValueError,
    UnsupportedStatementError,
)

from .conftest import PEOPLE, Claim, Patient

by: Any = Patient.ssn
email: Any = Patient.email
name: Any = Patient.last_name

FOUND: dict[str, tuple[Any, list[int]]] = {
    "==": (by == "078-05-1120", [1]),
    "== of none": (by == "000", []),
    "== of NULL": (by == bindparam("value", None), []),
    "!= of NULL": (by != bindparam("value", None), []),
    "== from the right": (literal("078-05-1120") == Patient.ssn, [1]),
    "!= leaves NULL out": (by != "078-05-1120", [2, 3]),
    "not ==": (~(by == "078-05-1120"), [2, 3]),
    "in_": (by.in_(["078-05-1120", "219-09-9999", "x"]), [1, 2]),
    "in_ of nothing": (by.in_([]), []),
    "in_ with NULL": (by.in_(["078-05-1120", None]), [1]),
    "in_ of NULL alone": (by.in_([None]), []),
    "not_in": (by.not_in(["078-05-1120"]), [2, 3]),
    "not_in of nothing": (by.not_in([]), [1, 2, 3, 4]),
    "not_in with NULL": (by.not_in(["078-05-1120", None]), []),
    "is NULL": (by == None, [4]),  # noqa: E711
    "or": (or_(by == "078-05-1120", by == "219-09-9999"), [1, 2]),
    "last four": (by.by("ssn_last4_bidx") == "9999", [2]),
    "last four of a whole": (by.by("ssn_last4_bidx") == "219-09-9999", [2]),
    "folded": (email == " ANN@EXAMPLE.COM", [1]),
    "folded in_": (email.in_(["ann@example.com", "EVE@else.org"]), [1, 3]),
    "folded not_in": (email.not_in(["ann@example.com"]), [2, 3]),
    "domain": (email.by("domain") == "example.com", [2]),
    "domain of an address": (email.by("domain") == "x@EXAMPLE.com", [2]),
    "together": (name.by("person_bidx") == ("Lee", dt.date(1980, 1, 1)), [2]),
    "together with NULL": (name.by("person_bidx") == ("Lee", None), []),
    "together in_": (name.by("person_bidx").in_([("Lee", dt.date(1980, 1, 1)), ("Lee", None)]), [2]),
    "number": (Patient.weight == Decimal("70.5"), [3]),
    "exists": (exists().where(Claim.of == by).correlate(Patient), [1]),
    "or_null": (or_(by == "219-09-9999", by.is_(None)), [2, 4]),
}


def ids(session: Session, *where: Any) -> list[int]:
    """The patients that a condition finds."""
    return list(session.scalars(select(Patient.id).where(*where).order_by(Patient.id)))


def by_lambda(value: str) -> Any:
    """A statement that is built once."""
    return lambda_stmt(lambda: select(Patient.id).where(Patient.ssn == value))


@pytest.fixture
def claims(session: Session) -> Session:
    """The session, with a claim of a patient and one of nobody."""
    session.add_all([Claim(id=1, of="078-05-1120"), Claim(id=2, of="x"), Claim(id=3, of=None)])
    session.commit()
    return session


def test_values_are_found(claims: Session) -> None:
    """By each operator, as SQL has it of plain text."""
    for told, (where, expected) in FOUND.items():
        assert ids(claims, where) == expected, told


def test_a_short_index_finds_candidates(session: Session) -> None:
    """All rows with the value are among them; `==` is refused, and NOT would miss some."""
    short = by.by("ssn_short_bidx")
    assert 2 in ids(session, short.candidates("219-09-9999"))
    with pytest.raises(UnsupportedStatementError, match=r"keeps 8 bits.*candidates"):
        short == "219-09-9999"  # noqa: B015
    found = short.candidates("219-09-9999")
    inside = Patient.id.not_in(select(Patient.id).where(found))
    for negation in (~found, found.is_(False), found == False, inside):  # noqa: E712
        with pytest.raises(UnsupportedStatementError, match=r"NOT of candidates"):
            ids(session, negation)
    assert 2 in ids(session, Patient.id.in_(select(Patient.id).where(found)))


def test_columns_are_joined_by_equal_indexes(claims: Session) -> None:
    """Of two tables, of one with itself, and by a condition in ON."""
    joined = select(Patient.id, Claim.id).join(Claim, Claim.of == Patient.ssn)
    assert [tuple(row) for row in claims.execute(joined)] == [(1, 1)]
    by_name = select(Patient.id, Claim.id).join(Claim, by.by("ssn_bidx") == Claim.of)
    assert [tuple(row) for row in claims.execute(by_name)] == [(1, 1)]
    other = aliased(Patient)
    pairs = select(Patient.id, other.id).where(Patient.ssn != other.ssn, Patient.id < other.id)
    assert sorted(map(tuple, claims.execute(pairs))) == [(1, 2), (1, 3), (2, 3)]
    with pytest.raises(UnsupportedStatementError, match=r"claim.other is encrypted .* give both"):
        claims.execute(select(Patient.id).join(Claim, Claim.other == Patient.ssn))


def test_values_come_with_each_execution(claims: Session) -> None:
    """Cached statements, named parameters, lambdas, several rows: each execution's own value."""
    for value, expected in (("078-05-1120", [1]), ("219-09-9999", [2]), ("078-05-1120", [1])):
        assert ids(claims, by == value) == expected
        assert ids(claims, by.in_([value, value])) == expected
        found = claims.scalars(select(Patient.id).where(by == bindparam("wanted")), {"wanted": value})
        assert list(found) == expected
        assert list(claims.scalars(by_lambda(value))) == expected
    many = select(Patient.id).where(by.in_(bindparam("wanted", expanding=True))).order_by(Patient.id)
    assert list(claims.scalars(many, {"wanted": ["078-05-1120", "219-09-9999"]})) == [1, 2]


def test_rows_are_changed_by_what_is_found(session: Session) -> None:
    """UPDATE and DELETE, with the session's objects and executemany."""
    ann = session.get_one(Patient, 1)
    session.execute(update(Patient).where(by == "078-05-1120").values(note="found"))
    assert ann.note == "found"
    session.execute(update(Patient).where(email == "ANN@example.com").values(note="folded"))
    assert ann.note == "folded"
    table: Any = Patient.__table__
    statement = update(table).where(table.c.ssn == bindparam("wanted"))
    session.connection().execute(
        statement.values(note=bindparam("new")),
        [{"wanted": "078-05-1120", "new": "a"}, {"wanted": "219-09-9999", "new": "b"}],
    )
    session.expire_all()
    notes = session.scalars(select(Patient.note).order_by(Patient.id))
    assert list(notes) == ["a", "b", None, None]
    session.execute(delete(Patient).where(by.in_(["078-05-1120", "219-09-9999"])))
    assert ids(session) == [3, 4]
    assert session.scalar(select(func.count()).where(by == "457-55-5462")) == 1


def test_no_value_is_sent_or_shown(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the statement nor as a parameter: PostgreSQL sees digests."""
    caplog.set_level("INFO", "sqlalchemy.engine")
    session.get_bind().echo = True  # type: ignore[union-attr]
    found = select(Patient.id).where(by == "078-05-1120", email.in_(["ann@example.com"]))
    session.execute(found)
    with pytest.raises(SQLAlchemyError, match="no_such_column") as failed:
        session.execute(found.where(text("no_such_column")))
    named = select(Patient.id).where(by == bindparam("wanted"), Patient.id == bindparam("id"))
    with pytest.raises(SQLAlchemyError, match="hidden") as mistyped:
        session.execute(named, {"wanted": "078-05-1120", "idd": 1})
    for told in (caplog.text, str(failed.value), str(mistyped.value), str(found)):
        assert "078-05" not in told
        assert "ann@" not in told


def run(session: Session, made: Any) -> None:
    """Executes a statement, or one with this condition."""
    session.execute(made if made.is_selectable else select(Patient.id).where(made))


REFUSED: list[tuple[Any, str]] = [
    (lambda: by.like("078%"), r"ssn_bidx holds digests.*last\(4\)"),
    (lambda: by > "078", "says nothing of the values"),
    (lambda: by.between("a", "b"), "digests"),
    (by.desc, "sort in Python"),
    (lambda: by.by("ssn_last4_bidx").like("9%"), "ssn_last4_bidx holds digests"),
    (lambda: by.in_(select(Claim.of)), "use exists"),
    (lambda: by == func.lower("x"), "can't stand in"),
    (lambda: select(Patient.id).order_by(Patient.ssn), "ORDER BY"),
    (lambda: select(Patient.id).where(Patient.note == "x"), "give it a blind index"),
    (lambda: select(Patient.id).where(name == "x"), "give it a blind index"),
    (lambda: by.by("nothing"), "has ssn_bidx, ssn_last4_bidx, ssn_short_bidx"),
    (lambda: select(select(Patient).subquery().c.ssn == "x"), "is encrypted and can't stand in"),
    (lambda: select(by.by("ssn_last4_bidx")), "is compared with a value"),
    (lambda: name.by("person_bidx") == "Lee", "a tuple of 2 values"),
    (lambda: by == 7, "patient.ssn takes"),
]


def test_a_default_may_search(session: Session) -> None:
    """While the statement that it is of searches too; what that looks for stays out of errors."""

    def of_context(context: Any) -> list[int]:
        for value in (b"no text", PEOPLE[0]["ssn"]):
            with suppress(InvalidValueError):
                found = context.connection.scalars(select(Patient.id).where(Patient.ssn == value)).all()
        return list(found)

    table = Table(
        "finding",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("of", EncryptedText(index=BlindIndex())),
        Column("found", ARRAY(Integer), onupdate=of_context),
        Column("kind", Text),
    )
    connection = session.connection()
    table.create(connection)
    connection.execute(insert(table), {"id": 1, "of": "one"})
    finding = update(table).where(table.c.of == bindparam("sought"))
    connection.execute(finding.values(id=2), {"sought": "one"})
    assert connection.execute(select(table.c.id, table.c.found)).one() == (2, [1])
    refused = finding.values(kind=func.lower(bindparam("one_of", type_=Enum("a", validate_strings=True))))
    with pytest.raises(StatementError) as raised:
        connection.execute(refused, {"sought": "canary", "one_of": "c"})
    assert "canary" not in str(raised.value)
    assert "(hidden)" in str(raised.value)


def test_what_digests_can_not_answer_is_refused(session: Session) -> None:
    """Where it is built, or before anything is sent, with what to do."""
    for make, told in REFUSED:
        with pytest.raises((UnsupportedStatementError, ConfigurationError, InvalidValueError), match=told):
            run(session, make())
