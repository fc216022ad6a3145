"""Key-encryption keys under another key of their provider, and new ones: no data row is touched."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from sqlalchemy_envelope import Context, DirectKeyring, Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope.errors import ConfigurationError, KeyProviderError
from sqlalchemy_envelope.keyring.custody import make_kek
from sqlalchemy_envelope.keystore import SqlKeyStore, install
from sqlalchemy_envelope.rotation import rewrap_column, rewrap_keks, rotate_kek
from sqlalchemy_envelope.testing import FakeKms

from ..fixtures.postgresql import Database
from .figures import new_kms_key
from .world import BRISK, World

TENANTS = [None, "acme", "zeta"]
OTHERS = 100
KEYS = len(TENANTS) + OTHERS
"""More than are read at once."""


@pytest.fixture
def engine(world: World) -> Iterator[Engine]:
    """On the world's database, which has the table of keys."""
    engine = create_engine(world.database.url)
    with engine.begin() as connection:
        install(connection)
    yield engine
    engine.dispose()


def tiered(engine: Engine, *providers: Any, **options: Any) -> TieredKeyring:
    """The keyring of one more process."""
    first, *others = providers
    return TieredKeyring(first, opens=others, store=SqlKeyStore(engine), **options)


def seal(keyring: TieredKeyring, engine: Engine) -> dict[str | None, tuple[bytes | None, bytes | None]]:
    """A value of each tenant; and keys of many others, which have none."""
    columns = "id, tenant, state, wrapped, wrapped_by"
    insert = f"INSERT INTO envelope.key ({columns}) VALUES (:id, :of, 'active', :a, :b)"
    made = [make_kek(keyring.providers[0], uuid4(), f"other {n}")[1] for n in range(OTHERS)]
    rows = [{"id": each.id, "of": each.tenant, "a": each.cells, "b": each.names} for each in made]
    with engine.begin() as connection:
        connection.execute(text(insert), rows)
    seal = Envelope(keyring).seal_many
    return {tenant: seal(["value"], Context("patient", "ssn", tenant=tenant))[0] for tenant in TENANTS}


def all_open(keyring: TieredKeyring, sealed: dict[str | None, Any]) -> bool:
    """Whether each does."""
    envelope = Envelope(keyring)
    return all(
        envelope.open_many([cells], Context("patient", "ssn", tenant=tenant)) == [b"value"]
        for tenant, cells in sealed.items()
    )


def test_a_new_kms_key_costs_two_calls_a_tenant_and_no_row(engine: Engine) -> None:
    """Unwrapped by the one and wrapped by the other; then all opens by the new one alone. Again: nothing."""
    old, new = FakeKms(name="old"), FakeKms(name="new")
    sealed = seal(tiered(engine, old), engine)
    done = rewrap_keks(engine, tiered(engine, new, old))
    assert (done.keys, done.calls, done.failed) == (KEYS, 2 * KEYS, {})
    assert (old.unwrapped, new.wrapped) == (KEYS, KEYS)
    assert all_open(tiered(engine, new), sealed)
    again = rewrap_keks(engine, tiered(engine, new, old))
    assert (again.keys, again.calls) == (0, 0)
    with engine.connect() as connection:
        names = connection.execute(text("SELECT DISTINCT wrapped_by FROM envelope.key")).scalars().all()
    assert names == [["new"]]


def test_it_goes_on_after_a_failure_and_beside_another(engine: Engine) -> None:
    """What went well is kept; two at once do each key once between them."""
    old, new = FakeKms(name="old"), FakeKms(name="new")
    sealed = seal(tiered(engine, old), engine)
    new.throttle(after=70, times=10)
    with pytest.raises(KeyProviderError):
        rewrap_keks(engine, tiered(engine, new, old))
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(rewrap_keks, engine, tiered(engine, new, old)) for _ in range(2)]
        keys = sum(run.result().keys for run in runs)
    assert 0 < keys < KEYS
    assert all_open(tiered(engine, new), sealed)


def test_a_key_destroyed_meanwhile_stays_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare-and-set: its wrapped bytes do not come back."""
    old, new = FakeKms(name="old"), FakeKms(name="new")
    seal(tiered(engine, old), engine)
    shred = (
        "UPDATE envelope.key SET state = 'destroyed', wrapped = '{}', wrapped_by = '{}' WHERE tenant IS NULL"
    )
    wrap = new.wrap

    def wrap_beside(*given: Any) -> bytes:
        with engine.begin() as connection:
            connection.execute(text(shred))
        return wrap(*given)

    monkeypatch.setattr(new, "wrap", wrap_beside)
    assert rewrap_keks(engine, tiered(engine, new, old)).keys == KEYS - 1
    with engine.connect() as connection:
        query = "SELECT cardinality(wrapped) FROM envelope.key WHERE tenant IS NULL"
        assert connection.execute(text(query)).scalars().all() == [0]


def test_a_key_that_never_unwraps_is_told_and_left(engine: Engine) -> None:
    """The others are done."""
    old, new = FakeKms(name="old"), FakeKms(name="new")
    seal(tiered(engine, old), engine)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE envelope.key SET wrapped[1] = wrapped[1] || 'x' WHERE tenant IS NULL")
        )
    done = rewrap_keks(engine, tiered(engine, new, old))
    assert (done.keys, len(done.failed)) == (KEYS - 1, 1)


def test_a_new_key_wraps_and_the_one_before_opens(world: World, engine: Engine) -> None:
    """And the data keys under the one before are wrapped under the new one, by their siblings alone."""
    keyring = tiered(engine, FakeKms())
    world.fill(60, Envelope(keyring))
    kept = world.rows("id, ssn")
    first = world.value("SELECT id FROM envelope.key")
    with pytest.raises(ConfigurationError, match="is active"):
        rewrap_column(engine, Envelope(keyring), "patient", "ssn", key=first.hex)
    second = rotate_kek(engine, keyring)
    world.fill(5, Envelope(keyring), first=100)
    assert (world.under(first.bytes), world.under(second.bytes)) == (60, 5)
    assert rewrap_column(engine, Envelope(keyring), "patient", "ssn", pace=BRISK).rows_done == 60
    assert (world.under(first.bytes), world.under(second.bytes)) == (0, 65)
    assert world.rows("id, ssn")[:60] == kept
    assert world.wrong(Envelope(tiered(engine, *keyring.providers))) == 0
    assert world.value("SELECT sum(wraps) FROM envelope.key WHERE state = 'active'") >= 65


def test_direct_values_go_under_tiers_and_back(world: World, engine: Engine) -> None:
    """Static and KMS wraps become one key's of the hierarchy, by one call; and a keyring undoes it."""
    kms, static = FakeKms(), StaticKey(bytes(range(32)))
    world.fill(20)
    world.fill(20, Envelope(DirectKeyring(kms)), first=100)
    under = Envelope(tiered(engine, kms, static))
    assert rewrap_column(engine, under, "patient", "ssn").rows_done == 40
    assert (kms.generated, kms.wrapped) == (21, 0)
    assert world.wrong(Envelope(tiered(engine, kms))) == 0
    back = Envelope(tiered(engine, static, kms, writes="direct"))
    assert rewrap_column(engine, back, "patient", "ssn").rows_done == 40
    assert world.wrong(Envelope(DirectKeyring(static))) == 0


def test_only_a_hierarchy_has_such_keys(engine: Engine) -> None:
    """A direct keyring is refused, with what to use."""
    with pytest.raises(ConfigurationError, match="TieredKeyring"):
        rotate_kek(engine, DirectKeyring(FakeKms()))


def test_a_keyring_without_a_store_has_it_in_the_job_s_database(world: World, engine: Engine) -> None:
    """As a command has it: nothing attached the envelope that the environment describes."""
    kms = FakeKms()
    world.fill(10)
    unbound = TieredKeyring(kms, opens=[StaticKey(bytes(range(32)))])
    assert rewrap_column(engine, Envelope(unbound), "patient", "ssn").rows_done == 10
    assert unbound.writing.active_keys
    rotate_kek(engine, unbound)
    assert rewrap_column(engine, Envelope(unbound), "patient", "ssn").rows_done == 10
    assert world.value("SELECT count(*) FROM envelope.key") == 2
    assert world.wrong(Envelope(tiered(engine, kms))) == 0


def test_a_new_kms_key_writes_no_data_row(database: Database, kms_client: Any) -> None:
    """By the real client: one ReEncrypt a tenant, and every row is the version that it was."""
    url = database.url().render_as_string(hide_password=False)
    figure = new_kms_key(url, kms_client, tenants=4, rows=40)
    assert (figure.keys, figure.calls) == (4, {"ReEncrypt": 4})
    assert (figure.touched, figure.unreadable) == (0, 0)
