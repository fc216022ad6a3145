"""What is refused at declaration, and what looks alike but is fine."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Computed,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from sqlalchemy_envelope import ConfigurationError, Context, EncryptedBytes, EncryptedText, Version

from .conftest import SECRET, patient, round_trip

COLUMNS: dict[str, dict[str, Any]] = {
    "primary_key": {"primary_key": True},
    "unique": {"unique": True},
    "index": {"index": True},
    "server_default": {"server_default": "x"},
    "server_onupdate": {"server_onupdate": func.now()},
    "onupdate": {"onupdate": "x"},
    "onupdate function": {"onupdate": lambda: "x"},
    "SQL default": {"default": func.now()},
    "text default": {"default": text("'x'")},
    "query default": {"default": select(func.now()).scalar_subquery()},
    "context-dependent default": {"default": lambda context: context.statement},
}
ITEMS: dict[str, Any] = {
    "a foreign key": ForeignKey("other.id"),
    "Computed": Computed("'x'"),
    "Identity": Identity(),
    "SQL or context-dependent default": Sequence("numbers"),
}


@pytest.mark.parametrize("what", COLUMNS)
def test_an_option_that_ciphertext_cannot_serve_is_refused(what: str) -> None:
    """By the name of the option, the table and the column."""
    word = "default" if what.endswith(" default") else what.split(maxsplit=1)[0]
    with pytest.raises(ConfigurationError, match=rf"patient\.ssn is encrypted.*{word}"):
        patient(Column("ssn", EncryptedText(), **COLUMNS[what]))


@pytest.mark.parametrize("what", ITEMS)
def test_an_item_that_ciphertext_cannot_serve_is_refused(what: str) -> None:
    """Foreign keys, and values that the database makes."""
    with pytest.raises(ConfigurationError, match=rf"patient\.ssn is encrypted.*{what}"):
        patient(Column("ssn", EncryptedText(), ITEMS[what]._copy()))


def test_a_refused_table_leaves_its_metadata_as_it_was() -> None:
    """So that it can be declared again."""
    metadata = MetaData()
    with pytest.raises(ConfigurationError):
        patient(Column("ssn", EncryptedText(), unique=True), metadata=metadata)
    assert not metadata.tables
    patient(metadata=metadata)


CONSTRAINTS: dict[str, Callable[[str], Any]] = {
    "UniqueConstraint": lambda name: UniqueConstraint("id", name),
    "PrimaryKeyConstraint": PrimaryKeyConstraint,
    "ForeignKeyConstraint": lambda name: ForeignKeyConstraint([name], ["other.id"]),
    "ExcludeConstraint": lambda name: ExcludeConstraint((name, "=")),
    "Index": lambda name: Index("i", name, unique=True),
}
WORDS = {"PrimaryKeyConstraint": "primary_key", "ForeignKeyConstraint": "a foreign key"}
"""What sets the column's own option is named by that."""

another_primary_key = pytest.mark.filterwarnings("ignore:Table 'patient' specifies columns")


@another_primary_key
@pytest.mark.parametrize("kind", [kind for kind in CONSTRAINTS if kind != "Index"])
@pytest.mark.parametrize("name", ["ssn", "ssn_dek"])
def test_a_constraint_added_later_is_refused(kind: str, name: str) -> None:
    """On the column and on its sibling."""
    table, late = patient(), CONSTRAINTS[kind](name)
    with pytest.raises(ConfigurationError, match=rf"patient\.{name} .*{kind}"):
        table.append_constraint(late)


@pytest.mark.parametrize("name", ["ssn", "ssn_dek"])
def test_a_unique_index_added_later_is_refused(name: str) -> None:
    """On the column, where a plain one is refused too, and on its sibling."""
    table = patient()
    with pytest.raises(ConfigurationError, match=rf"patient\.{name} .*Index"):
        Index("i", table.c[name], unique=True)
    with pytest.raises(ConfigurationError, match=r"patient\.ssn .*Index"):
        Index("i", table.c.ssn)


@another_primary_key
@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_a_constraint_among_the_arguments_is_refused(kind: str) -> None:
    """As from `__table_args__`."""
    with pytest.raises(ConfigurationError, match=rf"patient\.ssn .*{WORDS.get(kind, kind)}"):
        patient(Column("ssn", EncryptedText()), CONSTRAINTS[kind]("ssn"))


def test_an_index_over_an_expression_is_refused() -> None:
    """Wherever in it the column stands."""
    table = patient(Column("ssn", EncryptedText()), Column("note", Text))
    with pytest.raises(ConfigurationError, match=r"patient\.ssn .*Index"):
        Index("i", func.concat(table.c.note, table.c.ssn))


def test_a_constraint_in_a_model_is_refused() -> None:
    """By `__table_args__` with names."""

    class Base(DeclarativeBase):
        pass

    with pytest.raises(ConfigurationError, match="UniqueConstraint"):

        class Patient(Base):
            __tablename__ = "patient"
            id: Mapped[int] = mapped_column(primary_key=True)
            ssn: Mapped[str] = mapped_column(EncryptedText())
            __table_args__ = (UniqueConstraint("ssn"),)


def test_constraints_of_other_columns_are_nobodys_business(attached: Engine) -> None:
    """Also where they are added later."""
    table = patient(Column("ssn", EncryptedText()), Column("note", Text, unique=True, index=True))
    Index("lower_note", func.lower(table.c.note), unique=True)
    table.append_constraint(UniqueConstraint("id", "note"))
    table.create(attached)
    round_trip(attached, table)


def test_a_plain_index_on_the_sibling_is_fine(attached: Engine) -> None:
    """`substr(ssn_dek, 4, 16)` counts the values of each key."""
    table = patient()
    Index("by_key", func.substr(table.c.ssn_dek, 4, 16))
    table.create(attached)
    round_trip(attached, table)
    assert [index["name"] for index in inspect(attached).get_indexes("patient")] == ["by_key"]


def test_a_check_of_ones_own_is_ones_own(attached: Engine) -> None:
    """It sees the cells; NULL is the one thing they tell."""
    table = patient(Column("ssn", EncryptedText()), CheckConstraint("ssn IS NOT NULL", name="needs_ssn"))
    table.create(attached)
    round_trip(attached, table)
    with attached.begin() as connection, pytest.raises(IntegrityError, match="needs_ssn"):
        connection.execute(insert(table), {"ssn": None})


class Hidden(TypeDecorator[str]):
    """An encrypted type inside another one."""

    impl = EncryptedText
    cache_ok = True


@pytest.mark.parametrize(
    "type_",
    [
        Hidden(),
        ARRAY(EncryptedText()),
        Text().with_variant(EncryptedText(), "postgresql"),
        ARRAY(Text().with_variant(EncryptedBytes(), "postgresql")),
    ],
)
def test_an_encrypted_type_inside_another_is_refused(type_: Any) -> None:
    """Nobody would seal for it."""
    with pytest.raises(ConfigurationError, match=r"patient\.ssn has an encrypted type inside"):
        patient(Column("ssn", type_))


@pytest.mark.parametrize("accept", [2, "V2", True, (Version.V2, Version.V1), [Version.V1]])
def test_only_one_older_version_is_accepted(accept: Any) -> None:
    """Two would have to be told apart by their bytes, which a value could imitate."""
    with pytest.raises(ConfigurationError, match=r"accept= takes Version\.V1 or Version\.V2"):
        EncryptedText(accept=accept)


@pytest.mark.parametrize("context", ["", "patient", ".ssn", "patient.", 5, ("patient", "ssn")])
def test_a_context_without_both_parts_is_refused(context: Any) -> None:
    """Before any table knows of it."""
    with pytest.raises(ConfigurationError, match="context is a Context"):
        EncryptedText(context=context)


def test_a_context_with_an_empty_part_is_refused() -> None:
    """Absent is not empty."""
    for parts in (("", "ssn"), ("patient", "")):
        with pytest.raises(ConfigurationError, match="1 to 65,535 bytes"):
            Context(*parts)
    with pytest.raises(ConfigurationError, match="tenant"):
        Context("patient", "ssn", tenant="")


def test_replacing_an_encrypted_column_by_a_plain_one_is_refused() -> None:
    """Its writes would go on being sealed, and its reads hand out ciphertext."""
    table = patient()
    for plain in (Column("ssn", Text), Column("ssn", Text, key="other")):
        with pytest.raises(ConfigurationError, match=r"patient\.ssn is encrypted.*replaced"):
            table.append_column(plain, replace_existing=True)
    assert isinstance(table.c.ssn.type, EncryptedText)


def test_a_column_whose_key_is_the_siblings_name_is_refused(attached: Engine) -> None:
    """The sibling has to go somewhere."""
    with pytest.raises(Exception, match="ssn_dek"):
        patient(Column("ssn", EncryptedText()), Column("note", Text, key="ssn_dek"))


def test_a_model_that_was_refused_can_be_mended(attached: Engine) -> None:
    """Under the same name, in the same registry."""

    class Base(DeclarativeBase):
        pass

    with pytest.raises(ConfigurationError):
        Table("patient", Base.metadata, Column("ssn", EncryptedText(), index=True))

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True)
        ssn: Mapped[str] = mapped_column(EncryptedText())

    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Patient(ssn=SECRET))
        session.commit()
        assert session.scalars(select(Patient.ssn)).all() == [SECRET]
