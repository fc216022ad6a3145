"""Declaring a column that is moving: its plaintext column is in the table, and out of everyone's way."""

import inspect as python
import pickle
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Computed,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from sqlalchemy_envelope import (
    ConfigurationError,
    EncryptedBytes,
    EncryptedOnly,
    EncryptedText,
    ReadsEncrypted,
    ReadsPlaintext,
    UnsupportedStatementError,
    Version,
)
from sqlalchemy_envelope.moving import Moving

from .conftest import patient
from .customers import SECRET, STATES, customer

every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


def moving(state: Any, *more: Any, nullable: bool = True, **options: Any) -> Table:
    """A table with `ssn`, moving from `plain`."""
    return patient(Column("ssn", EncryptedText(moving=state("plain")), nullable=nullable), *more, **options)


@every_state
def test_the_plaintext_column_appears_by_itself_and_hidden(state: Any) -> None:
    """After the pair; neither selected nor mapped, nor in an alias."""
    table = moving(state)
    assert table.c.keys() == ["id", "ssn", "ssn_dek", "plain"]
    assert isinstance(table.c.plain.type, Text)
    assert select(table).selected_columns.keys() == ["id", "ssn"]
    assert select(table.alias()).selected_columns.keys() == ["id", "ssn"]
    assert inspect(customer(state("email"))).columns.keys() == ["id", "email", "note"]


@pytest.mark.parametrize(
    ("state", "pair", "plain"),
    [(ReadsPlaintext, True, False), (ReadsEncrypted, True, False), (EncryptedOnly, False, True)],
)
def test_what_may_be_null_follows_what_is_written(state: Any, pair: bool, plain: bool) -> None:
    """Rows may be pending in the first two states; in the last no row has plaintext."""
    table = moving(state, nullable=False)
    nullable = {column.name: column.nullable for column in table.c}
    assert nullable == {"id": False, "ssn": pair, "ssn_dek": pair, "plain": plain}
    assert all(column.nullable for column in moving(state).c if column.name != "id")


@every_state
def test_a_state_may_stand_in_every_kind_of_mapping(attached: Engine, state: Any) -> None:
    """Dataclass, mixin, joined and single-table inheritance."""

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Reachable(MappedAsDataclass):
        phone: Mapped[str | None] = mapped_column(
            EncryptedText(moving=state("phone_plain")), default=None, kw_only=True
        )

    class Person(Reachable, Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        kind: Mapped[str] = mapped_column(init=False)
        name: Mapped[str] = mapped_column("name_encrypted", EncryptedText(moving=state("name")))
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012

    class Doctor(Person):
        __tablename__ = "doctor"
        id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, primary_key=True)
        licence: Mapped[str | None] = mapped_column(
            EncryptedText(moving=state("licence_plain")), default=None
        )
        __mapper_args__ = {"polymorphic_identity": "doctor"}  # noqa: RUF012

    class Nurse(Person):
        ward: Mapped[str | None] = mapped_column(EncryptedText(moving=state("ward_plain")), default=None)
        __mapper_args__ = {"polymorphic_identity": "nurse"}  # noqa: RUF012

    assert "plain" not in str(python.signature(Nurse))
    assert Doctor("a") == Doctor("a")
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add_all([Doctor("a", licence="l", phone="1"), Nurse("b", ward="w")])
        session.commit()
        found = sorted(session.scalars(select(Person)), key=lambda each: each.name)
        assert [type(each) for each in found] == [Doctor, Nurse]
        assert (found[0].licence, found[0].phone, found[1].ward) == ("l", "1", "w")  # type: ignore[attr-defined]
        kept = None if state is EncryptedOnly else "w"
        assert session.scalar(text("select ward_plain from person where kind = 'nurse'")) == kept


@every_state
def test_a_copy_of_the_table_is_in_the_same_state(attached: Engine, state: Any) -> None:
    """As an archive is; and a pickled one."""
    table = moving(state, nullable=False)
    for copy in (table.to_metadata(MetaData(), schema="archive"), pickle.loads(pickle.dumps(table))):
        assert copy.c.keys() == table.c.keys()
        assert [each.nullable for each in copy.c] == [each.nullable for each in table.c]
        ssn: Any = copy.c.ssn
        assert isinstance(ssn.type.moving, state)
        assert "plain" not in select(copy).selected_columns
    table.metadata.create_all(attached)
    archive = table.to_metadata(table.metadata, name="archive")
    archive.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(archive).values(ssn=SECRET))
        connection.execute(insert(table).values(ssn=SECRET))
        both = select(table.c.id, table.c.ssn).union_all(select(archive.c.id, archive.c.ssn))
        assert {row.ssn for row in connection.execute(both)} == {SECRET}


@every_state
def test_a_plaintext_column_declared_by_hand_is_adopted(attached: Engine, state: Any) -> None:
    """With its own type, index and uniqueness, before or after the column; and never written by hand."""
    for by_hand in (True, False):
        plain = Column("plain", String(40), unique=True)
        column: Any = Column("ssn", EncryptedText(moving=state("plain")))
        index = Index(f"of_plain_{by_hand}", "plain")
        table = patient(*((plain, column) if by_hand else (column, plain)), index, name=f"patient_{by_hand}")
        assert "plain" not in select(table).selected_columns
        assert isinstance(table.c.ssn.type, EncryptedText)
        assert repr(table.c.plain.type) == "String(length=40)"
        table.create(attached)
        with attached.begin() as connection:
            connection.execute(insert(table), [{"ssn": SECRET, "plain": None}])
            assert connection.execute(select(table.c.ssn)).scalar_one() == SECRET
            for refused in (insert(table).values(plain="x"), insert(table).values({table.c.plain: "x"})):
                with pytest.raises(
                    UnsupportedStatementError, match=r"plain is written with ssn, never by hand"
                ):
                    connection.execute(refused)


@every_state
def test_reflection_finds_it(attached: Engine, state: Any) -> None:
    """Before and after the column is declared."""
    moving(state).create(attached)
    declared: Any = Column("ssn", EncryptedText(moving=state("plain")))
    table = patient(declared, autoload_with=attached)
    assert sorted(table.c.keys()) == ["id", "plain", "ssn", "ssn_dek"]
    assert select(table).selected_columns.keys() == ["id", "ssn"]
    again = moving(state, metadata=table.metadata.__class__())
    Table("patient", again.metadata, autoload_with=attached, extend_existing=True, autoload_replace=False)
    assert select(again).selected_columns.keys() == ["id", "ssn"]
    with attached.begin() as connection:
        for each in (table, again):
            connection.execute(insert(each).values(ssn=SECRET))
            assert set(connection.scalars(select(each.c.ssn))) == {SECRET}


@every_state
def test_the_attribute_may_have_the_plaintext_columns_name_as_its_key(attached: Engine, state: Any) -> None:
    """Then that goes by another one."""
    table = patient(Column("ssn_encrypted", EncryptedText(moving=state("ssn")), key="ssn"))
    assert table.c.keys() == ["id", "ssn", "ssn_encrypted_dek", "ssn_plaintext"]
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table).values(ssn=SECRET))
        assert connection.scalar(select(table.c.ssn)) == SECRET


@every_state
def test_bytes_move_too(attached: Engine, state: Any) -> None:
    """From bytes, whatever they look like."""
    table = patient(Column("photo", EncryptedBytes(moving=state("plain"))))
    assert isinstance(table.c.plain.type, LargeBinary)
    table.create(attached)
    values = [b"\x01raw", b"\xed\x03", b"\xec\x03", b"", b"\xff"]
    with attached.begin() as connection:
        connection.execute(insert(table), [{"photo": value} for value in values])
        if state is not EncryptedOnly:
            connection.execute(text("update patient set photo = null, photo_dek = null where id > 2"))
        assert connection.scalars(select(table.c.photo).order_by(table.c.id)).all() == values


def test_a_state_is_a_value() -> None:
    """It hashes, compares and shows itself, but not what its type may hold."""
    assert ReadsPlaintext("a") == ReadsPlaintext("a") != ReadsPlaintext("b")
    assert len({ReadsPlaintext("a"), ReadsPlaintext("a"), ReadsPlaintext("b"), EncryptedOnly("a")}) == 3
    assert repr(EncryptedText(moving=ReadsEncrypted("a", String(3)))) == (
        "EncryptedText(moving=ReadsEncrypted('a', type_=String))"
    )
    assert EncryptedText(None, None, None, EncryptedOnly("a")).moving == EncryptedOnly("a")
    with pytest.raises(AttributeError):
        ReadsPlaintext("a").column = "b"  # type: ignore[misc]


def given(*column: Any, name: str = "plain", **options: Any) -> Any:
    """A declaration of `ssn`, moving from `name`, with one more column."""

    def declare(state: Any) -> Table:
        more = [Column(*column, **options)] if column else []
        return patient(Column("ssn", EncryptedText(moving=state(name))), *more)

    return declare


REFUSED: dict[str, tuple[Any, str]] = {
    "an older version": (lambda state: EncryptedText(accept=Version.V2, moving=state("a")), "exclude"),
    "no state": (lambda _: EncryptedText(moving="plain"), "takes ReadsPlaintext"),  # type: ignore[arg-type]
    "the base": (lambda _: Moving("plain"), "takes ReadsPlaintext"),
    "no name": (lambda state: state(""), "takes the name"),
    "a type of numbers": (
        lambda state: patient(Column("ssn", EncryptedText(moving=state("a", Integer)))),
        "holds int, not str",
    ),
    "a type without a codec": (lambda state: state("a", INET), "has no codec"),
    "an encrypted type": (
        lambda state: patient(Column("ssn", EncryptedText(moving=state("a", EncryptedText())))),
        "an encrypted type",
    ),
    "its own column": (given(name="ssn"), r"patient\.ssn can't move"),
    "its sibling": (given(name="ssn_dek"), r"patient\.ssn can't move"),
    "a primary key": (given(name="id"), "primary_key"),
    "a default": (given("plain", Text, default="x"), "default"),
    "onupdate": (given("plain", Text, onupdate="x"), "onupdate"),
    "a computed column": (lambda state: moving(state, Column("plain", Text, Computed("'x'"))), "Computed"),
    "another encrypted column": (given("plain", EncryptedText()), "an encrypted type"),
    "another's sibling": (
        given("other", EncryptedText(dek="plain")),
        r"plain (can't hold|is the sibling)|LargeBinary",
    ),
    "another's plaintext": (
        lambda state: patient(*(Column(name, EncryptedText(moving=state("p"))) for name in ("a", "b"))),
        "belongs to a",
    ),
}


@every_state
@pytest.mark.parametrize("what", REFUSED)
def test_what_can_not_be_a_plaintext_column_is_refused_when_declared(state: Any, what: str) -> None:
    """With the place and the reason."""
    declare, reason = REFUSED[what]
    with pytest.raises(ConfigurationError, match=reason):
        declare(state)


@pytest.mark.parametrize("options", [{"nullable": False}, {"server_default": "x"}])
def test_what_is_given_null_must_take_it(options: Any) -> None:
    """Without NOT NULL, and without a DEFAULT that would store plaintext, once only the pair is written."""
    declare = given("plain", Text, **options)
    assert declare(ReadsEncrypted) is not None
    with pytest.raises(ConfigurationError, match=r"patient\.plain"):
        declare(EncryptedOnly)
