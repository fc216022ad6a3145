"""What may name tenants, and what becomes of it when tables are copied, extended or hold older values."""

import pickle
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, insert, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from sqlalchemy_envelope import (
    TENANT,
    ConfigurationError,
    Context,
    EncryptedText,
    Envelope,
    TenantError,
    Version,
    attach,
)
from sqlalchemy_envelope.pairs import pairs_of
from sqlalchemy_envelope.tenant_column import TenantText

from ..models.conftest import KEY  # the static key of these tests, too
from ..models.test_versions import sealed


class Named(TypeDecorator[str]):
    """A type that changes nothing of a value, as SQLModel's is."""

    impl = String
    cache_ok = True


class Upper(Named):
    """One that does."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.upper()


def table(*columns: Any, **options: Any) -> Table:
    """A table with a tenant column."""
    mine = columns or (Column("of", Text), Column("ssn", EncryptedText(tenant="of", **options)))
    return Table("patient", MetaData(), Column("id", Integer, primary_key=True), *mine)


def test_a_type_that_changes_no_value_may_name_tenants() -> None:
    """Any other one might store another text."""
    assert (
        pairs_of(table(Column("of", Named), Column("ssn", EncryptedText(tenant="of"))))["ssn"].tenant
        is not None
    )
    with pytest.raises(
        ConfigurationError, match=r"patient\.of can't be the tenant of ssn: the text of Upper"
    ):
        table(Column("of", Upper), Column("ssn", EncryptedText(tenant="of")))


def test_one_tenant_or_another() -> None:
    """Not a context's and a column's."""
    with pytest.raises(ConfigurationError, match="pins one tenant"):
        EncryptedText(context=Context("a", "b", tenant="c"), tenant=TENANT)
    with pytest.raises(ConfigurationError, match="takes the name of a column"):
        EncryptedText(tenant=3)  # type: ignore[arg-type]


def test_copies_and_pickles_keep_it() -> None:
    """Each with its own column."""
    original = table()
    for copy in (original.to_metadata(MetaData()), pickle.loads(pickle.dumps(original))):
        assert pairs_of(copy)["ssn"].tenant is copy.c.of


def test_a_tenant_column_that_is_replaced_is_looked_at_again() -> None:
    """By reflection, or by hand."""
    mine = table()
    mine.append_column(Column("of", Integer), replace_existing=True)
    assert pairs_of(mine)["ssn"].tenant is mine.c.of
    with pytest.raises(ConfigurationError):
        mine.append_column(Column("of", Integer, onupdate=3), replace_existing=True)


def test_a_column_that_is_too_short_cuts_nothing_off() -> None:
    """PostgreSQL would drop the blanks at the end, and the row be another tenant's."""
    with pytest.raises(TenantError, match="takes str"):
        TenantText(table(Column("of", String(3))).c.of).of("a   ")


def test_an_attribute_added_late_is_written_by_its_tenant(engine: Engine, envelope: Envelope) -> None:
    """To a class that is mapped already."""

    class Base(DeclarativeBase):
        pass

    class Late(Base):
        __tablename__ = "late"
        id: Mapped[int] = mapped_column(primary_key=True)
        of: Mapped[str]

    Late.ssn = mapped_column(EncryptedText(tenant="of"))
    Base.metadata.create_all(engine)
    with Session(attach(engine, envelope)) as session:
        late = Late(id=1, of="a")
        late.ssn = "x"  # type: ignore[attr-defined]
        session.add(late)
        session.commit()
        late.ssn = "y"  # type: ignore[attr-defined]
        session.commit()
        late.of = "b"
        session.commit()
        assert late.ssn == "y"  # type: ignore[attr-defined]
        assert inspect(late).attrs["of"].value == "b"


def test_older_values_have_no_tenant(engine: Engine, envelope: Envelope) -> None:
    """They open in the row of any, while their version is accepted; what is written is for one."""
    attach(engine, envelope)
    mine = table(accept=Version.V1)
    mine.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(
            text("insert into patient (id, of, ssn) values (1, 'a', :ssn)"), {"ssn": sealed(KEY, "x")}
        )
        connection.execute(insert(mine).values(id=2, of="b", ssn="y"))
        assert connection.scalars(select(mine.c.ssn).order_by(mine.c.id)).all() == ["x", "y"]
