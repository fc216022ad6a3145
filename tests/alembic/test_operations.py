"""The operations as data: apart from their effect they compare, render and reverse without a database."""

import subprocess
import sys
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops

from sqlalchemy_envelope import ConfigurationError, Context
from sqlalchemy_envelope import alembic as ours
from sqlalchemy_envelope.alembic.effects import EFFECTS
from sqlalchemy_envelope.alembic.script import SCRIPTS

EVERY = [
    kind
    for kind in vars(ours).values()
    if isinstance(kind, type) and issubclass(kind, ours.MoveOperation) and kind is not ours.MoveOperation
]
REVERSIBLE = [kind for kind in EVERY if kind is not ours.BackfillColumnOp]


def rendered(operation: ops.MigrateOperation) -> str:
    """As a revision has it."""
    context = MigrationContext.configure(dialect_name="postgresql")
    context.opts |= {"alembic_module_prefix": "op.", "sqlalchemy_module_prefix": "sa."}
    autogen = AutogenContext(context, autogenerate=False)
    return str(renderers.dispatch(operation)(autogen, operation))


@pytest.mark.parametrize("kind", EVERY)
def test_each_is_an_operation(kind: Any) -> None:
    """Of `op`, with a documentation of its own, an effect and a script."""
    assert getattr(op, kind.name).__doc__
    assert kind in EFFECTS
    assert kind in SCRIPTS
    assert rendered(kind("customer", "email")) == f"op.{kind.name}('customer', 'email')"


@pytest.mark.parametrize("kind", EVERY)
def test_each_differs_by_what_it_says(kind: Any) -> None:
    """`to_diff_tuple`, for `alembic check`."""
    named = kind("customer", "email", schema="clinic", into="secret")
    options = {"schema": "clinic", "into": "secret"}
    assert named.to_diff_tuple() == (kind.name, "clinic", "customer", "email", options)


@pytest.mark.parametrize("kind", REVERSIBLE)
def test_each_reverses_with_its_names(kind: Any) -> None:
    """What undoes it is about the same column."""
    back = kind("customer", "email", schema="clinic", into="secret", dek="key", type_="bytes").reverse()
    assert (back.schema, back.into, back.dek, back.type_) == ("clinic", "secret", "key", "bytes")


def test_a_backfill_has_nothing_that_undoes_it() -> None:
    """A revision's author says what going back means there."""
    with pytest.raises(NotImplementedError, match=r"op\.backfill_column"):
        ours.BackfillColumnOp("customer", "email").reverse()


def test_what_is_not_the_default_is_written() -> None:
    """And a context as the string that it is."""
    operation = ours.EncryptColumnOp(
        "customer", "email", context="a.b", run="later", source="app.old:reader", type_="bytes"
    )
    written = "op.encrypt_column('customer', 'email', context='a.b', type_='bytes', source='app.old:reader'"
    assert rendered(operation) == f"{written}, run='later')"
    assert "Context('a', 'b', 'c')" in rendered(
        ours.EncryptColumnOp("t", "c", context=Context("a", "b", "c"))
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run": "soon"}, "run= is 'now' or 'later'"),
        ({"run": "later", "keep_plaintext": False}, "the plaintext is kept until"),
        ({"into": "x" * 64}, "over 63 bytes"),
        ({"context": "nowhere"}, "table.column"),
    ],
)
def test_what_can_not_be_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    """Before anything of the revision is done."""
    with pytest.raises(ConfigurationError, match=message):
        ours.EncryptColumnOp("customer", "email", **options)


@pytest.mark.parametrize("first", ["sqlalchemy_envelope.alembic", "alembic", "alembic.op"])
def test_it_may_be_imported_before_alembic(first: str) -> None:
    """In whatever order `env.py` has its imports."""
    script = f"import {first}, sqlalchemy_envelope.alembic, alembic.op; alembic.op.encrypt_column"
    subprocess.run([sys.executable, "-c", script], check=True)
