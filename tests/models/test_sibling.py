"""The sibling: there by itself, in the table and nowhere else."""

import inspect as python
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Engine,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from sqlalchemy_envelope import (
    TENANT,
    ConfigurationError,
    Context,
    EncryptedBytes,
    EncryptedText,
    UnsupportedStatementError,
    Version,
)
from sqlalchemy_envelope.pairs import pairs_of

from .conftest import SECRET, guards, patient, round_trip


def test_the_sibling_appears_by_itself_and_last() -> None:
    """After every column that was declared, in the order of theirs."""
    table = patient(Column("ssn", EncryptedText()), Column("photo", EncryptedBytes()), Column("note", Text))
    assert table.c.keys() == ["id", "ssn", "photo", "note", "ssn_dek", "photo_dek"]
    assert isinstance(table.c.ssn_dek.type, LargeBinary)


def test_the_sibling_may_have_a_name_of_its_own(attached: Engine) -> None:
    """By dek=, whatever has to be quoted in it."""
    table = patient(Column("ssn", EncryptedText(dek='Wrapped "key"')))
    assert table.c.keys() == ["id", "ssn", 'Wrapped "key"']
    table.create(attached)
    round_trip(attached, table)


@pytest.mark.parametrize("nullable", [True, False])
def test_the_sibling_is_nullable_like_its_column(nullable: bool) -> None:
    """So that a migration needs no thought."""
    assert patient(Column("ssn", EncryptedText(), nullable=nullable)).c.ssn_dek.nullable is nullable


def test_the_sibling_may_be_null_where_older_rows_have_none() -> None:
    """Version 1 never has a wrapped key beside it, version 2 may not."""
    for version in Version:
        assert patient(Column("ssn", EncryptedText(accept=version), nullable=False)).c.ssn_dek.nullable


def test_a_table_selects_without_it(attached: Engine) -> None:
    """Neither `select(table)` nor RETURNING the table hand it out."""
    table = patient()
    table.create(attached)
    assert "ssn_dek" not in select(table).selected_columns
    with attached.begin() as connection:
        made = connection.execute(insert(table).returning(table), {"ssn": SECRET}).one()
        assert made._asdict() == {"id": 1, "ssn": SECRET}


def test_a_model_does_not_know_it(attached: Engine) -> None:
    """No column, attribute or argument of the class."""

    class Base(DeclarativeBase):
        pass

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True)
        ssn: Mapped[str | None] = mapped_column(EncryptedText())

    assert inspect(Patient).columns.keys() == ["id", "ssn"]
    assert inspect(Patient).attrs.keys() == ["id", "ssn"]
    assert not hasattr(Patient, "ssn_dek")
    with pytest.raises(TypeError, match="ssn_dek"):
        Patient(ssn_dek=b"")
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Patient(ssn=SECRET))
        session.commit()
        found = session.scalars(select(Patient)).one()
        assert {key for key in vars(found) if not key.startswith("_")} == {"id", "ssn"}
        assert inspect(found).identity == (1,)


def test_a_dataclass_does_not_know_it() -> None:
    """Neither its arguments, nor its repr, nor its equality."""

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        ssn: Mapped[str] = mapped_column(EncryptedText())
        photo: Mapped[bytes | None] = mapped_column(EncryptedBytes(), default=None, repr=False)

    assert list(python.signature(Patient).parameters) == ["ssn", "photo"]
    assert Patient("a") == Patient("a", None)
    assert "dek" not in repr(Patient("a"))


class Declared(DeclarativeBase):
    """A model that declares its sibling by hand, before and after its column."""


class Hand(Declared):
    __tablename__ = "hand"
    id: Mapped[int] = mapped_column(primary_key=True)
    ssn_dek: Mapped[bytes | None] = mapped_column(LargeBinary)
    ssn: Mapped[str | None] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column(EncryptedText(dek="wrapped"))
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)


def test_a_sibling_declared_by_hand_is_out_of_the_mapper(attached: Engine) -> None:
    """And never needs to be given: flushes, updates and bulk inserts write it."""
    assert inspect(Hand).columns.keys() == ["id", "ssn", "phone"]
    assert select(Hand.__table__).selected_columns.keys() == ["id", "ssn", "phone"]
    assert guards(Hand.__table__) == ["hand_phone_envelope", "hand_ssn_envelope"]  # type: ignore[arg-type]
    Declared.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Hand(ssn=SECRET))
        session.execute(insert(Hand), [{"ssn": SECRET, "phone": "1"}, {"ssn": None, "phone": "2"}])
        session.commit()
        for found in session.scalars(select(Hand)):
            found.ssn = "changed"
        session.commit()
        assert session.scalars(select(Hand.ssn)).all() == ["changed"] * 3


def test_a_sibling_declared_by_hand_is_never_written_by_hand(attached: Engine) -> None:
    """Its value comes from sealing; None is what a caller may pass along."""
    table: Any = Hand.__table__
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), {"ssn": SECRET, "ssn_dek": None})
        with pytest.raises(UnsupportedStatementError, match="never by hand"):
            connection.execute(insert(table), {"ssn": SECRET, "ssn_dek": b"mine"})


def test_a_sibling_declared_in_a_dataclass_takes_no_part(attached: Engine) -> None:
    """With init=False it is no argument, and flushing writes it all the same."""

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        ssn_dek: Mapped[bytes] = mapped_column(LargeBinary, init=False, repr=False, compare=False)
        ssn: Mapped[str] = mapped_column(EncryptedText())

    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Patient(SECRET))
        session.commit()
        assert session.scalars(select(Patient)).one().ssn == SECRET


WRONG: dict[str, Column[Any]] = {
    "LargeBinary": Column("ssn_dek", Text),
    "may be NULL": Column("ssn_dek", LargeBinary, nullable=False),
    "default": Column("ssn_dek", LargeBinary, default=b""),
    "server_default": Column("ssn_dek", LargeBinary, server_default="x"),
    "onupdate": Column("ssn_dek", LargeBinary, onupdate=b""),
    "primary_key": Column("ssn_dek", LargeBinary, primary_key=True, nullable=True),
    "unique": Column("ssn_dek", LargeBinary, unique=True),
    "Computed": Column("ssn_dek", LargeBinary, Computed("ssn")),
    "Identity": Column("ssn_dek", LargeBinary, Identity()),
}


@pytest.mark.parametrize("word", WRONG)
def test_a_sibling_that_cannot_hold_a_wrapped_key_is_refused(word: str) -> None:
    """Each with its reason, when it is declared."""
    with pytest.raises(ConfigurationError, match=rf"patient\.ssn_dek.*{word}"):
        patient(Column("ssn", EncryptedText()), WRONG[word]._copy())


def test_a_sibling_may_be_null_where_its_column_is_not() -> None:
    """The CHECK constraint keeps the pair whole."""
    table = patient(Column("ssn", EncryptedText(), nullable=False), Column("ssn_dek", LargeBinary))
    assert table.c.ssn_dek.nullable


def test_an_encrypted_sibling_is_refused() -> None:
    """It would have to be opened to open its column."""
    with pytest.raises(ConfigurationError, match="LargeBinary"):
        patient(Column("ssn", EncryptedText()), Column("ssn_dek", EncryptedBytes()))


def shared(one: Any = None, other: Any = None) -> Table:
    """Two columns of one sibling, the first before the table is complete and the second after."""
    table = patient(Column("a", one or EncryptedText(dek="dek")))
    table.append_column(Column("b", other or EncryptedText(dek="dek")))
    return table


def test_columns_may_share_a_sibling() -> None:
    """Whichever came first, both know it, and their keys are wrapped for the same place."""
    for table in (shared(), shared().to_metadata(MetaData())):
        a, b = (pairs_of(table)[key] for key in "ab")
        assert a.dek is b.dek
        assert (a.mates, b.mates) == (("b",), ("a",))
        assert {each.type.reading.context.key for each in (a, b)} == {"dek"}
        assert guards(table) == ["patient_a_envelope", "patient_b_envelope"]


def test_a_context_names_the_key_of_its_group() -> None:
    """As before the others came, or the sibling was renamed."""
    table = shared(other=EncryptedText("dek", Context("patient", "b", "first")))
    assert {pair.type.reading.context.key for pair in pairs_of(table).values()} == {"first"}


UNLIKE: dict[str, tuple[Any, Any, str]] = {
    "an older version": (EncryptedText("dek", accept=Version.V1), EncryptedText("dek"), "no accept="),
    "another tenancy": (EncryptedText("dek", tenant=TENANT), EncryptedText("dek"), "same tenant="),
    "another table": (EncryptedText("dek", "old.a"), EncryptedText("dek"), "Context"),
    "another key": (
        EncryptedText("dek", Context("patient", "a", "one")),
        EncryptedText("dek", Context("patient", "b", "two")),
        "Context",
    ),
}


@pytest.mark.parametrize("what", UNLIKE)
def test_columns_that_share_a_sibling_are_alike(what: str) -> None:
    """One data key serves them all."""
    one, other, words = UNLIKE[what]
    with pytest.raises(ConfigurationError, match=rf"patient\.dek is the sibling of .*{words}"):
        shared(one, other)


@pytest.mark.parametrize("dek", ["", 5, b"ssn_dek"])
def test_a_sibling_needs_a_name(dek: Any) -> None:
    """An empty one is a slip, not a wish for the default."""
    with pytest.raises(ConfigurationError, match="dek= takes"):
        EncryptedText(dek=dek)


def test_a_name_that_postgresql_would_cut_is_refused() -> None:
    """Cut to 63 bytes, the sibling's could be its column's."""
    with pytest.raises(ConfigurationError, match="dek="):
        patient(Column("s" * 60, EncryptedText()))
    with pytest.raises(ConfigurationError, match="63 bytes"):
        patient(Column("ssn", EncryptedText(dek="ü" * 32)))
    assert len(patient(Column("s" * 63, EncryptedText(dek="ssn_dek"))).c) == 3


def test_nothing_secret_shows_in_a_repr() -> None:
    """Types and tables know names, and no key."""
    table = patient(Column("ssn", EncryptedText(dek="key", accept=Version.V1)))
    assert repr(EncryptedText()) == "EncryptedText()"
    assert repr(EncryptedBytes(dek="key")) == "EncryptedBytes(dek='key')"
    assert repr(table.c.ssn.type) == "EncryptedText()"
    assert "Column('ssn', EncryptedText(), table=<patient>)" in repr(table)


def test_metadata_apart_know_nothing_of_each_other() -> None:
    """The same table, with the same context, twice in one process."""
    first, second = MetaData(), MetaData()
    for metadata in (first, second):
        patient(metadata=metadata)
        Table("plain", metadata, Column("id", BigInteger, primary_key=True), Column("ssn", Integer))
    assert first.tables["patient"].c.keys() == second.tables["patient"].c.keys()
    assert first.tables["plain"].c.keys() == ["id", "ssn"]
