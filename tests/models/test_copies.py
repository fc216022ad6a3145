"""Copies keep the pair together: of tables, of metadata, of classes, of objects."""

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, Table, Text, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column

from sqlalchemy_envelope import ConfigurationError, EncryptedText, UnsupportedStatementError, Version

from .conftest import KEY, SECRET, guards, patient, round_trip, stored_guards


def type_of(table: Table, key: str = "ssn") -> Any:
    """The bound type of a column."""
    return table.c[key].type


@pytest.mark.parametrize(
    "options", [{}, {"schema": "ward"}, {"name": "copy"}, {"name": "c", "schema": "ward"}]
)
def test_a_table_copied_to_other_metadata_is_whole(attached: Engine, options: Any) -> None:
    """One sibling, one guard under the copy's name, and the same context."""
    table = patient(Column("ssn", EncryptedText(dek="wrapped"), key="number"), Column("note", Text))
    made = table.to_metadata(MetaData(), **options)
    assert made.c.keys() == ["id", "number", "note", "wrapped"]
    assert made.c.wrapped._omit_from_statements
    assert guards(made) == [f"{made.name}_ssn_envelope"]
    assert type_of(made, "number").context == type_of(table, "number").context
    with attached.begin() as connection:
        connection.execute(text("CREATE SCHEMA ward"))
    made.create(attached)
    assert stored_guards(attached, made.name, made.schema) == guards(made)
    round_trip(attached, made, "number")


def test_rows_move_between_a_table_and_its_copy(attached: Engine) -> None:
    """Such as an archive: a copy shares the context, so its cells open."""
    table = patient()
    archive = table.to_metadata(table.metadata, name="archive")
    again = archive.to_metadata(MetaData(), name="again")
    assert again.c.keys() == archive.c.keys() == table.c.keys()
    table.metadata.create_all(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), {"ssn": SECRET})
        connection.execute(text("INSERT INTO archive SELECT * FROM patient"))
        assert connection.scalars(select(archive.c.ssn)).all() == [SECRET]


def test_a_copy_of_a_hand_declared_pair_is_whole() -> None:
    """Nothing is made twice."""
    table = patient(Column("ssn_dek", LargeBinary), Column("ssn", EncryptedText()))
    made = table.to_metadata(MetaData())
    assert made.c.keys() == ["id", "ssn_dek", "ssn"]
    assert made.c.ssn_dek._omit_from_statements
    assert guards(made) == ["patient_ssn_envelope"]


def test_a_copy_accepts_what_its_origin_accepts() -> None:
    """Column, guard and nullability."""
    made = patient(Column("ssn", EncryptedText(accept=Version.V1), nullable=False)).to_metadata(MetaData())
    assert type_of(made).accept is Version.V1
    assert made.c.ssn_dek.nullable
    assert len(guards(made)) == 1


def test_a_mixin_gives_each_class_a_pair_of_its_own(attached: Engine) -> None:
    """Its plain columns, its declared_attr and those of an abstract base."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __abstract__ = True
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None] = mapped_column(EncryptedText())

    class HasSsn:
        ssn: Mapped[str | None] = mapped_column(EncryptedText())

        @declared_attr
        def phone(cls: Any) -> Mapped[str | None]:  # noqa: N805
            return mapped_column(EncryptedText(dek=f"{cls.__name__}_phone_key"))

    class Patient(HasSsn, Person):
        __tablename__ = "patient"

    class Nurse(HasSsn, Person):
        __tablename__ = "nurse"

    for table in Base.metadata.tables.values():
        assert {type_of(table, name).context.table for name in ("name", "ssn", "phone")} == {table.name}
        assert len(guards(table)) == 3
    assert "Nurse_phone_key" in Base.metadata.tables["nurse"].c
    Base.metadata.create_all(attached)
    for table in Base.metadata.tables.values():
        for name in ("name", "ssn", "phone"):
            round_trip(attached, table, name)


def test_a_schema_may_be_translated(attached: Engine) -> None:
    """For create_all, writing and reading."""
    table = patient(schema="tenant")
    with attached.begin() as connection:
        connection.execute(text("CREATE SCHEMA north"))
    north = attached.execution_options(schema_translate_map={"tenant": "north"})
    table.metadata.create_all(north)
    with north.begin() as connection:
        connection.execute(insert(table), {"ssn": SECRET})
        assert connection.scalars(select(table.c.ssn)).all() == [SECRET]
        assert connection.scalar(text("SELECT count(ssn_dek) FROM north.patient")) == 1


def test_metadata_may_have_a_schema(attached: Engine) -> None:
    """It is no part of the context."""
    with attached.begin() as connection:
        connection.execute(text("CREATE SCHEMA ward"))
    table = patient(metadata=MetaData(schema="ward"))
    assert type_of(table).context.place == "patient.ssn"
    table.create(attached)
    round_trip(attached, table)


def test_pickled_metadata_is_whole(attached: Engine) -> None:
    """It knows its pairs, its siblings and its contexts, and no key."""
    table = patient()
    table.create(attached)
    carried = pickle.dumps(table.metadata)
    assert KEY not in carried
    made = pickle.loads(carried).tables["patient"]
    round_trip(attached, made)
    assert "ssn_dek" not in select(made).selected_columns
    assert guards(made.to_metadata(MetaData())) == ["patient_ssn_envelope"]
    made.append_column(Column("phone", EncryptedText()))
    assert made.c.keys() == ["id", "ssn", "ssn_dek", "phone", "phone_dek"]
    with pytest.raises(ConfigurationError, match="share the context"):
        patient(Column("b", EncryptedText(context="patient.ssn")), metadata=made.metadata, name="other")


def test_what_is_settled_at_first_use_follows_the_table(attached: Engine) -> None:
    """A column that comes later is sealed for its row, and its sibling is nobody's to write; pickled too."""
    table = patient()
    table.create(attached)
    round_trip(attached, table)
    table.append_column(Column("phone", EncryptedText(bind_row=True)))
    with attached.begin() as connection:
        connection.execute(text("ALTER TABLE patient ADD phone bytea, ADD phone_dek bytea"))
    pickled = [pickle.dumps(table, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for each in (table, *map(pickle.loads, pickled)):
        round_trip(attached, each, "phone")
        with attached.connect() as connection, pytest.raises(UnsupportedStatementError, match="by hand"):
            connection.execute(insert(each), {"phone_dek": b"x"})


@pytest.mark.parametrize("what", ["table", "column", "select", "insert"])
def test_pickled_parts_work(attached: Engine, what: str) -> None:
    """A table, a column, a statement."""
    table = patient()
    table.create(attached)
    parts = {
        "table": lambda: table,
        "column": lambda: table.c.ssn,
        "select": lambda: select(table.c.ssn),
        "insert": lambda: insert(table).values(ssn=SECRET),
    }
    part = pickle.loads(pickle.dumps(parts[what]()))
    with attached.begin() as connection:
        connection.execute(part if what == "insert" else insert(table).values(ssn=SECRET))
        query = {"table": lambda: select(part.c.ssn), "column": lambda: select(part), "select": lambda: part}
        read = query.get(what, parts["select"])()
        assert connection.scalars(read).all() == [SECRET]


class Base(DeclarativeBase):
    """For objects that are pickled, and so need a module."""


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    ssn: Mapped[str | None] = mapped_column(EncryptedText())


def test_objects_are_pickled_with_what_they_hold(attached: Engine) -> None:
    """As with any column: an object in Python is plaintext."""
    Base.metadata.create_all(attached)
    with Session(attached) as session:
        session.add(Person(ssn=SECRET))
        session.commit()
        found = session.scalars(select(Person)).one()
        session.expunge(found)
    for made in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert made.ssn == SECRET
    with Session(attached) as session:
        merged = session.merge(pickle.loads(pickle.dumps(found)))
        merged.ssn = "changed"
        session.commit()
        assert session.scalars(select(Person.ssn)).all() == ["changed"]


def test_a_table_may_be_declared_again(attached: Engine) -> None:
    """After it was removed from its metadata, or all was cleared."""
    metadata = MetaData()
    for forget in (metadata.remove, lambda _: metadata.clear()):
        table = patient(metadata=metadata)
        assert guards(table) == ["patient_ssn_envelope"]
        forget(table)
    table = patient(metadata=metadata)
    table.create(attached)
    round_trip(attached, table)


def test_a_forgotten_table_is_collected() -> None:
    """A table for each tenant, made and dropped, leaves nothing behind."""
    table = weakref.ref(patient())
    gc.collect()
    assert table() is None


def test_a_subquery_or_alias_is_no_table_of_pairs(attached: Engine) -> None:
    """Annotated tables, as the ORM makes them, are."""
    table = Person.__table__
    assert isinstance(table, Table)
    annotated: Any = table._annotate({"any": "thing"})
    Base.metadata.create_all(attached)
    with attached.begin() as connection:
        connection.execute(insert(annotated), {"ssn": SECRET})
        assert connection.scalars(select(annotated.c.ssn)).all() == [SECRET]
        assert connection.scalars(select(table.alias().c.ssn)).all() == [SECRET]
    assert isinstance(table.c.id.type, Integer)
