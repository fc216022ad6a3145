"""Blind indexes in revisions: added with a move or later, filled, dropped, and proposed by autogenerate."""

from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Text, create_engine, select

from sqlalchemy_envelope import (
    EMAIL_DOMAIN,
    BlindIndex,
    ConfigurationError,
    EncryptedText,
    ReadsPlaintext,
    attach,
)
from sqlalchemy_envelope import alembic as ours
from sqlalchemy_envelope.pairs import pairs_of

from .project import ADDRESSES, Project, envelope, model
from .test_autogenerate import downgrade_of, upgrade_of
from .test_operations import rendered

BOTH = (BlindIndex(), BlindIndex(EMAIL_DOMAIN, name="domain", bits=64))
ENCRYPT = "op.encrypt_column('customer', 'email', keep_plaintext=False)"
WRITTEN = "BlindIndex(), BlindIndex(EMAIL_DOMAIN, name='domain', bits=64)"


def indexed(*indexes: BlindIndex, **options: Any) -> MetaData:
    """The customers' model with these indexes."""
    return model(Column("email", EncryptedText(index=indexes or None, **options)))


def found(project: Project, metadata: MetaData, value: str, by: str | None = None) -> list[int]:
    """The customers that a search gives."""
    table = metadata.tables["customer"]
    column: Any = pairs_of(table)["email"].content
    engine = attach(create_engine(project.database.url()), envelope())
    where = column == value if by is None else column.by(by) == value
    with engine.connect() as connection:
        ids = connection.scalars(select(table.c.id).where(where).order_by(table.c.id)).all()
    engine.dispose()
    return list(ids)


def test_a_column_becomes_encrypted_with_its_indexes(project: Project) -> None:
    """In one operation and the same batches; then nothing is left to do, and all goes back."""
    project.customers()
    project.revision("pass")
    project.upgrade()
    metadata = indexed(*BOTH)
    written = project.generate(metadata)
    assert upgrade_of(written) == [f"op.encrypt_column('customer', 'email', index=[{WRITTEN}])"]
    assert "from sqlalchemy_envelope import BlindIndex, EMAIL_DOMAIN" in written
    before = project.columns()
    project.upgrade()
    assert found(project, metadata, "ada@example.org") == [1]
    assert found(project, metadata, "EXAMPLE.org", by="domain") == [1, 2]
    project.check(metadata)
    jobs = project.execute("select kind, rows_done from envelope.job order by id")
    assert ("index", 2) not in jobs
    project.downgrade("r1")
    assert (project.columns(), project.plain()) == (before, ADDRESSES)


def test_an_encrypted_column_gains_and_loses_an_index(project: Project) -> None:
    """One operation each way; quiet in between."""
    project.customers()
    project.revision(ENCRYPT)
    project.upgrade()
    metadata = indexed(*BOTH)
    written = project.generate(metadata)
    assert upgrade_of(written) == [
        "op.add_blind_index('customer', 'email')",
        "op.add_blind_index('customer', 'email', index=BlindIndex(EMAIL_DOMAIN, name='domain', bits=64))",
    ]
    assert downgrade_of(written)[0].startswith("op.drop_blind_index('customer', 'email', index=")
    project.upgrade()
    assert found(project, metadata, "example.org", by="domain") == [1, 2]
    project.check(metadata)
    written = project.generate(indexed(BOTH[1]))
    assert upgrade_of(written) == ["op.drop_blind_index('customer', 'email')"]
    project.upgrade()
    project.check(indexed(BOTH[1]))
    project.downgrade("r2")
    assert found(project, metadata, "bea@example.org") == [2]


def test_a_move_without_downtime_fills_its_index(project: Project) -> None:
    """By the command, as the pair is; what an old version writes meanwhile is not left behind."""
    project.customers()
    metadata = model(
        Column("email_encrypted", EncryptedText(moving=ReadsPlaintext("email", Text()), index=BlindIndex()))
    )
    written = project.generate(metadata)
    assert upgrade_of(written) == [
        "op.encrypt_column('customer', 'email', into='email_encrypted', run='later', index=[BlindIndex()])"
    ]
    project.upgrade()
    project.revision("op.backfill_column('customer', 'email')")
    project.upgrade()
    full = "select count(email_encrypted_bidx) from customer"
    assert project.execute(full) == [(2,)]
    project.execute("update customer set email = 'new@example.org' where id = 1")
    assert project.execute(full) == [(1,)]
    project.revision("op.backfill_column('customer', 'email')")
    project.upgrade()
    assert project.execute(full) == [(2,)]
    project.check(metadata)


def test_a_new_column_is_added_with_its_index(project: Project) -> None:
    """There is nothing to fill."""
    project.customers()
    written = project.generate(
        model(Column("email", Text), Column("phone", EncryptedText(index=BlindIndex())))
    )
    assert "op.add_blind_index" not in written
    assert "ix_customer_phone_bidx" in written
    project.upgrade()


def test_an_index_goes_with_its_column(project: Project) -> None:
    """Before it, for its trigger watches the column."""
    project.customers()
    project.revision(f"{ENCRYPT}\nop.add_blind_index('customer', 'email')")
    project.upgrade()
    written = project.generate(model())
    assert upgrade_of(written)[0] == "op.drop_blind_index('customer', 'email')"
    project.upgrade()
    assert project.columns() == {}


def test_a_script_needs_no_database(project: Project) -> None:
    """What needs keys is a comment."""
    project.revision("op.add_blind_index('customer', 'email')")
    script = project.upgrade(sql=True)
    assert 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "ix_customer_email_bidx"' in script
    assert "-- needs keys: sqlalchemy-envelope backfill public.customer.email_bidx" in script


def test_they_are_data() -> None:
    """Each renders as it is called, and the other undoes it."""
    add = ours.AddBlindIndexOp("customer", "email", BOTH[1], schema="clinic", run="later")
    text = "'customer', 'email', index=BlindIndex(EMAIL_DOMAIN, name='domain', bits=64), schema='clinic'"
    assert rendered(add) == f"op.add_blind_index({text}, run='later')"
    assert rendered(add.reverse()) == f"op.drop_blind_index({text})"
    with pytest.raises(ConfigurationError, match="once all are encrypted"):
        ours.EncryptColumnOp("customer", "email", index=[BlindIndex(columns=("email", "name"), name="x")])
