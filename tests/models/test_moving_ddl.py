"""What autogenerate finds in each state, on the table that a move has made of it by then."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, MetaData, String, text

import sqlalchemy_envelope.alembic as envelope_alembic
from sqlalchemy_envelope import EncryptedOnly, EncryptedText, ReadsEncrypted, ReadsPlaintext
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.moving import Moving

from .conftest import patient

OLD = "create table patient (id serial primary key, ssn varchar(40) not null)"
EXPANDED = f"""
alter table patient add ssn_encrypted bytea, add ssn_encrypted_dek bytea,
add constraint patient_ssn_encrypted_envelope check ({check_sql("ssn_encrypted", "ssn_encrypted_dek", None)})
"""
NULLED = "alter table patient alter ssn drop not null"
TIGHTENED = "alter table patient alter ssn_encrypted set not null, alter ssn_encrypted_dek set not null"
DROPPED = "alter table patient drop ssn"
BY_STEP = (OLD, EXPANDED, NULLED, TIGHTENED, DROPPED)


def model(moving: Moving | None) -> MetaData:
    """A column that may not be NULL, in a state."""
    return patient(Column("ssn_encrypted", EncryptedText(moving=moving), nullable=False)).metadata


def in_state(state: Any) -> MetaData:
    """The same, moving from `ssn`."""
    return model(state("ssn", String(40)))


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """What autogenerate finds."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


@pytest.fixture
def at_step(engine: Engine) -> Any:
    """Brings the table to one of the steps."""

    def bring(last: str) -> Engine:
        with engine.begin() as connection:
            for step in BY_STEP[: BY_STEP.index(last) + 1]:
                connection.execute(text(step.replace(":", "\\:")))
        return engine

    return bring


@pytest.mark.parametrize("state", [ReadsPlaintext, ReadsEncrypted])
def test_the_first_two_states_agree_with_the_pair_added(at_step: Any, state: Any) -> None:
    """Pair nullable, plaintext as it was, so that going from one to the other needs no revision."""
    assert differences(at_step(EXPANDED), in_state(state)) == []


def test_the_last_state_agrees_once_no_plaintext_is_needed(at_step: Any) -> None:
    """Plaintext nullable, and the pair not."""
    assert differences(at_step(TIGHTENED), in_state(EncryptedOnly)) == []


def test_the_settled_column_agrees_once_plaintext_is_gone(at_step: Any) -> None:
    """With no state at all."""
    assert differences(at_step(DROPPED), model(None)) == []


def test_going_on_to_the_last_state_asks_for_what_it_needs(at_step: Any) -> None:
    """Plaintext that may be NULL, before anybody writes it; and a pair that may not."""
    found = differences(at_step(EXPANDED), in_state(EncryptedOnly))
    changed = {(each[0][3], each[0][0], each[0][-1]) for each in found}
    assert changed == {
        ("ssn", "modify_nullable", True),
        ("ssn_encrypted", "modify_nullable", False),
        ("ssn_encrypted_dek", "modify_nullable", False),
    }


def test_the_first_state_proposes_the_move_and_keeps_the_plaintext(at_step: Any) -> None:
    """One operation; nothing is dropped or retyped, and the revision names no type of ours."""
    with at_step(OLD).connect() as connection:
        options = {"render_item": envelope_alembic.render_item}
        context = MigrationContext.configure(connection, opts=options)
        upgrade: Any = produce_migrations(context, in_state(ReadsPlaintext)).upgrade_ops
    written = render_python_code(upgrade, render_item=envelope_alembic.render_item)
    assert "op.encrypt_column('patient', 'ssn', into='ssn_encrypted', run='later')" in written
    assert "add_column" not in written
    assert "drop" not in written
    assert "alter" not in written
    assert "Encrypted" not in written


def test_a_new_table_renders_the_plaintext_columns_own_type(engine: Engine) -> None:
    """In the model's order: the pair's column, its sibling, the plaintext."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        upgrade: Any = produce_migrations(context, in_state(ReadsPlaintext)).upgrade_ops
    written = render_python_code(upgrade, render_item=envelope_alembic.render_item)
    assert "sa.Column('ssn', sa.String(length=40), nullable=False)" in written
    assert "sa.Column('ssn_encrypted', sa.LargeBinary(), nullable=True)" in written
