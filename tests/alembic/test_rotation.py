"""Operations of rotation: data apart from their effect; online as jobs, in `--sql` mode as their record."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sqlalchemy_envelope import ConfigurationError, Context, DirectKeyring, Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope import alembic as ours
from sqlalchemy_envelope.backfill.record.jobs import jobs
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.rotation.columns import planned, rotate

from ..rotation.world import NEW, OLD, World, after
from .project import Project
from .test_operations import rendered

EVERY: list[tuple[ours.RotationOperation, str]] = [
    (ours.RewrapColumnOp("patient", "ssn"), "op.rewrap_column('patient', 'ssn')"),
    (
        ours.RewrapColumnOp("patient", "ssn", schema="clinic", dek="k", key="0" * 32, run="later"),
        f"op.rewrap_column('patient', 'ssn', schema='clinic', dek='k', key='{'0' * 32}', run='later')",
    ),
    (
        ours.ReencryptColumnOp(
            "patient", "ssn", context=Context("a", "b"), accept=1, type_="bytes", run="now"
        ),
        "op.reencrypt_column('patient', 'ssn', context='a.b', accept=1, type_='bytes')",
    ),
    (
        ours.ReencryptColumnOp("patient", "ssn", tenant="company", only_tenant="acme"),
        "op.reencrypt_column('patient', 'ssn', tenant='company', only_tenant='acme')",
    ),
    (ours.RewrapKeysOp(), "op.rewrap_keys()"),
    (ours.RotateKeyOp(), "op.rotate_key()"),
    (ours.RotateKeyOp(tenant="acme"), "op.rotate_key(tenant='acme')"),
]


@pytest.mark.parametrize(("operation", "text"), EVERY)
def test_they_are_data(operation: ours.RotationOperation, text: str) -> None:
    """Each renders as it is called, and tells what it says."""
    assert rendered(operation) == text
    assert operation.to_diff_tuple() == (operation.name, *operation.place, operation.options)


def test_a_rewrap_undoes_itself_and_nothing_else_is_undone() -> None:
    """Under whichever key writes when a revision is taken back."""
    assert repr(EVERY[1][0].reverse()).startswith("op.rewrap_column('patient', 'ssn', schema='clinic'")
    assert isinstance(ours.RewrapKeysOp().reverse(), ours.RewrapKeysOp)
    for operation in (ours.ReencryptColumnOp("patient", "ssn"), ours.RotateKeyOp()):
        with pytest.raises(NotImplementedError):
            operation.reverse()


def test_what_cannot_be_meant_is_refused_when_it_is_made() -> None:
    """Before a revision does anything."""
    for options in ({"run": "never"}, {"key": "short"}, {"only_tenant": "acme"}):
        with pytest.raises(ConfigurationError):
            ours.RewrapColumnOp("patient", "ssn", **options)


@pytest.fixture
def world(project: Project) -> Iterator[World]:
    """Thirty values under the static key of before."""
    world = World.of(project.database.url().render_as_string(hide_password=False))
    with closing(world.connection):
        world.fill(30)
        yield world


def give(project: Project, *keys: bytes, tiers: bool = False) -> Envelope:
    """The keys that revisions have: the first writes."""
    first, *others = map(StaticKey, keys)
    keyring: Any = (TieredKeyring if tiers else DirectKeyring)(first, opens=others)
    project.options["envelope"] = Envelope(keyring)
    return Envelope(keyring)


def test_revisions_rotate_forth_and_back(project: Project, world: World) -> None:
    """Static keys to tiers, a new key of the hierarchy and one of its provider, and back."""
    tiered = give(project, OLD, tiers=True)
    project.revision(
        "op.create_key_store()\nop.rewrap_column('patient', 'ssn')", "op.rewrap_column('patient', 'ssn')"
    )
    project.revision("op.rotate_key()\nop.reencrypt_column('patient', 'ssn')\nop.rewrap_keys()")
    project.upgrade("r1")
    assert world.wrong(tiered) == 0
    tiered = give(project, NEW, OLD, tiers=True)
    project.upgrade()
    assert world.value("SELECT array_agg(state ORDER BY state) FROM envelope.key") == [
        "active",
        "deactivated",
    ]
    only_new = give(project, NEW, tiers=True)
    only_new.keyring.bind_store(*bound(tiered))  # type: ignore[attr-defined]
    assert world.wrong(only_new) == 0
    project.options["envelope"] = Envelope(
        TieredKeyring(StaticKey(OLD), opens=[StaticKey(NEW)], writes="direct")
    )
    project.downgrade("base")
    assert world.wrong(Envelope(DirectKeyring(StaticKey(OLD)))) == 0


def bound(envelope: Envelope) -> tuple[Any, Any]:
    """How a keyring was given its store."""
    keyring: Any = envelope.keyring
    return (lambda: keyring._store), keyring._where


def test_a_revision_is_not_over_while_a_row_is_left(project: Project, world: World) -> None:
    """Rows in quarantine end it with an error; it may run again."""
    give(project, NEW, OLD)
    project.revision("op.rewrap_column('patient', 'ssn')")
    good = world.value("SELECT ssn_dek FROM patient WHERE id = 7")
    world.execute(
        "UPDATE patient SET ssn_dek = set_byte(ssn_dek, 70, get_byte(ssn_dek, 70) # 1) WHERE id = 7"
    )
    with pytest.raises(BackfillError, match="1 rows are in quarantine"):
        project.upgrade()
    world.execute("UPDATE patient SET ssn_dek = %b WHERE id = 7", [good])
    project.upgrade()
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0


def test_a_script_records_a_job_that_goes_on_from_python(project: Project, world: World) -> None:
    """It may run twice, and `run='later'` does the same online."""
    project.options["envelope"] = None
    project.revision("op.rewrap_column('patient', 'ssn')\nop.rotate_key(tenant=\"it's\")\nop.rewrap_keys()")
    script = project.upgrade(sql=True)
    assert (
        "-- needs keys, and batches: sqlalchemy-envelope backfill public.patient.ssn --kind rewrap" in script
    )
    assert '-- needs keys: sqlalchemy-envelope keys rotate --tenant "it\'s"' in script
    assert "-- needs keys: sqlalchemy-envelope keys rewrap --keks" in script
    world.execute(script)
    world.execute("DROP TABLE alembic_version")
    world.execute(script)
    (job,) = jobs(world.connection)
    assert (job.kind, job.state) == (Kind.REWRAP, "ready")
    project.revision("op.rewrap_column('patient', 'ssn', run='later')")
    project.upgrade()
    assert jobs(world.connection) == [job]
    rotate(world.database, after, planned(world.database, "patient", "ssn"), Kind.REWRAP)
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0
    assert [each.id for each in jobs(world.connection)] == [job.id]
