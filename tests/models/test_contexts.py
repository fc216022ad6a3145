"""Contexts: what a value is bound to, how they are pinned, and that no two attributes share one."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import (
    ConfigurationError,
    Context,
    DecryptionError,
    EncryptedBytes,
    EncryptedText,
    Envelope,
    Failure,
    Version,
)

from .conftest import SECRET, patient, round_trip


def context_of(table: Table, name: str = "ssn") -> Context:
    """The context of a column."""
    type_: Any = table.c[name].type
    context: Context = type_.context
    return context


def test_the_context_is_the_place_without_its_schema() -> None:
    """So that a restore into another schema opens."""
    table = patient(Column("ssn", EncryptedText(), key="number"), schema="hospital")
    assert context_of(table, "number") == Context("patient", "ssn")


def test_a_cell_opens_by_its_place_alone(attached: Engine, envelope: Envelope) -> None:
    """`open_many` needs no model, whatever the sibling is called."""
    table = patient(Column("ssn", EncryptedText(dek="wrapped")))
    table.create(attached)
    round_trip(attached, table)
    with attached.connect() as connection:
        wrapped, content = connection.execute(text("SELECT wrapped, ssn FROM patient")).one()
    assert envelope.open_many([(wrapped, content)], "patient.ssn") == [SECRET.encode()]


RENAMED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "table": (
        ["ALTER TABLE patient RENAME TO person"],
        {"name": "person", "ssn": {"context": "patient.ssn"}},
    ),
    "column": (
        ["ALTER TABLE patient RENAME ssn TO social", "ALTER TABLE patient RENAME ssn_dek TO social_dek"],
        {"column": "social", "ssn": {"context": "patient.ssn"}},
    ),
    "column alone": (
        ["ALTER TABLE patient RENAME ssn TO social"],
        {"column": "social", "ssn": {"context": "patient.ssn", "dek": "ssn_dek"}},
    ),
    "sibling": (["ALTER TABLE patient RENAME ssn_dek TO wrapped"], {"ssn": {"dek": "wrapped"}}),
    "all": (
        [
            "ALTER TABLE patient RENAME ssn TO social",
            "ALTER TABLE patient RENAME ssn_dek TO wrapped",
            "ALTER TABLE patient RENAME TO person",
        ],
        {"name": "person", "column": "social", "ssn": {"context": "patient.ssn", "dek": "wrapped"}},
    ),
    "schema": (
        ["CREATE SCHEMA ward", "ALTER TABLE patient SET SCHEMA ward"],
        {"schema": "ward", "ssn": {}},
    ),
}


@pytest.mark.parametrize("what", RENAMED)
def test_a_value_opens_after_a_rename(attached: Engine, what: str) -> None:
    """With its context pinned where the table or column changed, and unpinned where only the sibling did."""
    before = patient()
    before.create(attached)
    statements, after = RENAMED[what]
    with attached.begin() as connection:
        connection.execute(insert(before), {"ssn": SECRET})
        for statement in statements:
            connection.execute(text(statement))
    options = {key: value for key, value in after.items() if key in ("name", "schema")}
    name = after.get("column", "ssn")
    renamed = patient(Column(name, EncryptedText(**after["ssn"])), **options)
    with attached.connect() as connection:
        assert connection.scalars(select(renamed.c[name])).all() == [SECRET]
    round_trip(attached, renamed, name)


def test_a_value_does_not_open_after_a_rename_without_a_pin(attached: Engine) -> None:
    """With an error that names the new place."""
    before = patient()
    before.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(before), {"ssn": SECRET})
        connection.execute(text("ALTER TABLE patient RENAME TO person"))
    after = patient(name="person")
    with attached.connect() as connection, pytest.raises(DecryptionError, match=r"person\.ssn") as caught:
        connection.execute(select(after)).all()
    assert caught.value.failure is Failure.UNWRAP


def test_a_context_may_name_the_key(attached: Engine) -> None:
    """`Context(key=...)` is what the data key was wrapped for, whatever the sibling is called."""
    table = patient(Column("ssn", EncryptedText(context=Context("p", "s", key="k"))))
    table.create(attached)
    round_trip(attached, table)
    other = patient(Column("ssn", EncryptedText(context=Context("p", "s", key="other"))))
    with attached.connect() as connection, pytest.raises(DecryptionError):
        connection.execute(select(other)).all()


def _second(metadata: MetaData, how: str) -> None:
    if how == "same table":
        patient(Column("ssn", EncryptedText()), Column("b", EncryptedText(context="patient.ssn")))
    elif how == "two tables":
        patient(metadata=metadata)
        patient(Column("b", EncryptedText(context="patient.ssn")), metadata=metadata, name="other")
    elif how == "two schemas":
        patient(metadata=metadata)
        patient(metadata=metadata, schema="ward")
    elif how == "added later":
        patient(metadata=metadata).append_column(Column("b", EncryptedBytes(context="patient.ssn")))


@pytest.mark.parametrize("how", ["same table", "two tables", "two schemas", "added later"])
def test_two_attributes_with_one_context_are_refused(how: str) -> None:
    """Their cells could be exchanged unseen; the remedies are in the message."""
    with pytest.raises(ConfigurationError, match=r"share the context patient\.ssn: pin.*tenant"):
        _second(MetaData(), how)


def test_a_mixin_that_pins_a_context_is_refused_the_second_time() -> None:
    """It would give two tables one context."""

    class Base(DeclarativeBase):
        pass

    class HasSsn:
        id: Mapped[int] = mapped_column(primary_key=True)
        ssn: Mapped[str] = mapped_column(EncryptedText(context="person.ssn"))

    class Patient(HasSsn, Base):
        __tablename__ = "patient"

    with pytest.raises(ConfigurationError, match=r"share the context person\.ssn"):

        class Nurse(HasSsn, Base):
            __tablename__ = "nurse"


def test_one_schema_for_each_tenant_takes_a_tenant(attached: Engine) -> None:
    """The same place under two tenants is two contexts."""
    metadata = MetaData()
    tables = [
        patient(
            Column("ssn", EncryptedText(context=Context("patient", "ssn", tenant=tenant))),
            metadata=metadata,
            schema=tenant,
        )
        for tenant in ("north", "south")
    ]
    with attached.begin() as connection:
        for tenant in ("north", "south"):
            connection.execute(text(f"CREATE SCHEMA {tenant}"))
    metadata.create_all(attached)
    for table in tables:
        round_trip(attached, table)
    with attached.begin() as connection:
        connection.execute(text("INSERT INTO south.patient SELECT 9, ssn, ssn_dek FROM north.patient"))
        with pytest.raises(DecryptionError):
            connection.execute(select(tables[1]).where(tables[1].c.id == 9)).all()


def test_a_context_is_free_again_when_its_table_is_gone() -> None:
    """Removed, cleared, or redefined without it."""
    metadata = MetaData()
    metadata.remove(patient(metadata=metadata))
    patient(Column("b", EncryptedText(context="patient.ssn")), metadata=metadata, name="other")
    metadata.clear()
    patient(metadata=metadata)
    metadata.remove(metadata.tables["patient"])
    patient(Column("b", EncryptedText(context="patient.ssn")), metadata=metadata)
    with pytest.raises(ConfigurationError):
        patient(Column("c", EncryptedText(context="patient.ssn")), metadata=metadata, name="third")


def test_a_column_may_be_declared_again() -> None:
    """`extend_existing` with another pin frees the first."""
    metadata = MetaData()
    table = patient(metadata=metadata)
    table.append_column(Column("ssn", EncryptedText(context="old.place")), replace_existing=True)
    assert context_of(table) == Context("old", "place")
    patient(Column("b", EncryptedText(context="patient.ssn")), metadata=metadata, name="other")


def test_one_type_may_serve_many_columns() -> None:
    """Each column gets a copy, bound to its place."""
    type_ = EncryptedText()
    table = patient(Column("a", type_), Column("b", type_))
    assert [context_of(table, name).column for name in "ab"] == ["a", "b"]
    assert type_.context is None


def test_types_that_differ_never_share_a_processor(attached: Engine) -> None:
    """Textual statements alike but for a type are several in SQLAlchemy's cache, on one engine in turn."""
    one, other = patient(), patient(Column("ssn", EncryptedText(context="other.place")))
    as_bytes = patient(Column("ssn", EncryptedBytes()))
    accepting = patient(Column("ssn", EncryptedText(accept=Version.V1)))
    tables = (one, other, as_bytes, accepting)
    assert len({repr(table.c.ssn.type._static_cache_key) for table in tables}) == len(tables)
    one.create(attached)

    def read(table: Table, id_: int) -> Any:
        pair = text(f"SELECT ssn_dek || ssn AS ssn FROM patient WHERE id = {id_}")
        return connection.scalar(pair.columns(ssn=table.c.ssn.type))

    with attached.begin() as connection:
        connection.execute(insert(one), {"id": 1, "ssn": "one"})
        connection.execute(insert(other), {"id": 2, "ssn": "other"})
        for table, id_, value in ((one, 1, "one"), (other, 2, "other"), (one, 1, "one")):
            assert connection.scalar(select(table.c.ssn).where(table.c.id == id_)) == value
            assert read(table, id_) == value
        for table, id_ in ((one, 2), (other, 1), (as_bytes, 1)):
            with pytest.raises(DecryptionError):
                connection.scalar(select(table.c.ssn).where(table.c.id == id_))
            with pytest.raises(DecryptionError):
                read(table, id_)


def test_a_subclass_of_a_type_is_a_type_of_its_own(attached: Engine) -> None:
    """With the same arguments, and its own place in the cache."""

    class Ssn(EncryptedText):
        cache_ok = True

    table = patient(Column("ssn", Ssn()))
    assert isinstance(table.c.ssn.type, Ssn)
    assert table.c.ssn.type._static_cache_key != patient().c.ssn.type._static_cache_key
    table.create(attached)
    round_trip(attached, table)


@pytest.mark.parametrize("hook", ["process_bind_param", "process_result_value", "bind_expression"])
def test_a_subclass_may_not_change_single_values(hook: str) -> None:
    """Nothing would call the hook, and values would be stored as they are without a word."""
    with pytest.raises(ConfigurationError, match=f"Upper.{hook} would be passed over"):
        type("Upper", (EncryptedText,), {"cache_ok": True, hook: lambda *_: None})
