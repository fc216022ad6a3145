"""Reflection with an encrypted column laid over it, in any order, and columns added late."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, Text, insert, select
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import ConfigurationError, EncryptedText, Version

from .conftest import SECRET, guards, patient, round_trip


@pytest.fixture
def stored(attached: Engine) -> Engine:
    """An engine whose database has the table already, with a NOT NULL pair and a note."""
    patient(Column("ssn", EncryptedText(), nullable=False), Column("note", Text)).create(attached)
    return attached


def check(engine: Engine, table: Table) -> None:
    """One pair, one guard, hidden sibling, and it works."""
    assert sorted(table.c.keys()) == ["id", "note", "ssn", "ssn_dek"]
    assert "ssn_dek" not in select(table).selected_columns
    assert guards(table) == ["patient_ssn_envelope"]
    assert guards(table.to_metadata(MetaData(), name="copy")) == ["copy_ssn_envelope"]
    round_trip(engine, table)


def test_a_column_overrides_its_reflection(stored: Engine) -> None:
    """The usual way."""
    check(stored, Table("patient", MetaData(), Column("ssn", EncryptedText()), autoload_with=stored))


def test_a_reflected_table_is_extended(stored: Engine) -> None:
    """First the table, then its encrypted column; the reflected sibling and guard become the pair's."""
    metadata = MetaData()
    metadata.reflect(stored)
    assert "ssn_dek" in select(metadata.tables["patient"]).selected_columns
    check(stored, Table("patient", metadata, Column("ssn", EncryptedText()), extend_existing=True))


def test_a_declared_table_is_completed_by_reflection(stored: Engine) -> None:
    """With autoload_replace=False; without, reflecting would replace the encrypted column and is refused."""
    metadata = MetaData()
    Table("patient", metadata, Column("ssn", EncryptedText()))
    with pytest.raises(ConfigurationError, match="autoload_replace=False"):
        Table("patient", metadata, autoload_with=stored, extend_existing=True)
    options: dict[str, Any] = {"extend_existing": True, "autoload_replace": False}
    check(stored, Table("patient", metadata, autoload_with=stored, **options))


def test_a_declared_table_is_untouched_by_reflecting_the_others(stored: Engine) -> None:
    """`metadata.reflect()` leaves what it knows."""
    metadata = MetaData()
    table = patient(Column("ssn", EncryptedText()), Column("note", Text), metadata=metadata)
    metadata.reflect(stored)
    check(stored, table)


def test_a_long_guard_name_is_known_again(attached: Engine) -> None:
    """SQLAlchemy shortened it in the database."""
    name = "p" * 60
    patient(name=name).create(attached)
    table = Table(name, MetaData(), Column("ssn", EncryptedText()), autoload_with=attached)
    assert guards(table) == [f"{name}_ssn_envelope"]


def test_an_automapped_class_overrides_a_column(stored: Engine) -> None:
    """By a class of the base, declared before it is prepared."""
    base: Any = automap_base()

    class Patient(base):  # type: ignore[misc]
        __tablename__ = "patient"
        ssn: Mapped[str] = mapped_column(EncryptedText())

    base.prepare(autoload_with=stored)
    with Session(stored) as session:
        session.add(Patient(ssn=SECRET, note="n"))
        session.commit()
        assert session.scalars(select(Patient)).one().ssn == SECRET
        assert not hasattr(Patient, "ssn_dek")
    check(stored, Patient.__table__)


def test_a_class_with_deferred_reflection_overrides_a_column(stored: Engine) -> None:
    """The table is completed when it is prepared."""

    class Base(DeclarativeBase):
        pass

    class Patient(DeferredReflection, Base):
        __tablename__ = "patient"
        ssn: Mapped[str] = mapped_column(EncryptedText())

    DeferredReflection.prepare(stored)
    with Session(stored) as session:
        session.add(Patient(ssn=SECRET))
        session.commit()
        assert session.scalars(select(Patient)).one().ssn == SECRET
    assert not hasattr(Patient, "ssn_dek")
    check(stored, Patient.__table__)  # type: ignore[arg-type]


def test_a_column_appended_late_brings_its_pair(attached: Engine) -> None:
    """Sibling and guard."""
    table = patient(Column("note", Text))
    table.append_column(Column("ssn", EncryptedText()))
    table.create(attached)
    check(attached, table)


def test_a_sibling_declared_late_takes_the_place_of_ours(attached: Engine) -> None:
    """Replacing needs to be asked for, as for every column."""
    table = patient(Column("ssn", EncryptedText()), Column("note", Text))
    mine = Column("ssn_dek", LargeBinary)
    table.append_column(mine, replace_existing=True)
    assert table.c.ssn_dek is mine
    table.create(attached)
    check(attached, table)


def test_declaring_it_again_changes_the_pair(attached: Engine) -> None:
    """One guard, for what the last declaration accepts."""
    metadata = MetaData()
    table = patient(Column("ssn", EncryptedText()), Column("note", Text), metadata=metadata)
    Table("patient", metadata, Column("ssn", EncryptedText(accept=Version.V2)), extend_existing=True)
    type_: Any = table.c.ssn.type
    assert type_.accept is Version.V2
    assert table.c.ssn_dek.nullable
    check_text = {str(each.sqltext) for each in table.constraints if hasattr(each, "sqltext")}
    assert len(check_text) == 1
    assert " OR " in check_text.pop()
    table.create(attached)
    check(attached, table)


def test_a_reflected_table_alone_hands_out_cells(stored: Engine) -> None:
    """Nobody said that it was encrypted: bytes are what the database holds."""
    table = patient(Column("ssn", EncryptedText()), Column("note", Text))
    reflected = Table("patient", MetaData(), autoload_with=stored)
    with stored.begin() as connection:
        connection.execute(insert(table), {"ssn": SECRET})
        assert connection.execute(select(reflected.c.ssn)).scalar_one()[:2] == b"\xec\x03"
