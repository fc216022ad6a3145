"""An index key replaced by another: each step is refused until every process knows the one before."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from sqlalchemy_envelope import (
    BlindIndex,
    ConfigurationError,
    Context,
    Envelope,
    KeyProviderError,
    RevokedError,
    ShreddedError,
)
from sqlalchemy_envelope.keyring.waiting import wait_here
from sqlalchemy_envelope.keystore import listing, states
from sqlalchemy_envelope.keystore.index_usage import index_usage
from sqlalchemy_envelope.rotation.index_keys import (
    TooEarlyError,
    activate_index_key,
    begin_index_key,
    index_names,
    retire_index_key,
    waiting,
)

from .table import SSN, Patients, cell, message, probes

VIEW, AFTER = 0.2, 0.3
PLACE = Context("patient", "ssn")
WHY = {"by": "ana", "reason": "ticket 7"}


@pytest.fixture
def patients(keys_engine: Engine) -> Iterator[Patients]:
    """An empty table."""
    made = Patients(keys_engine)
    yield made
    made.connection.close()


def test_a_key_is_replaced_while_every_search_finds_every_row(
    process: Callable[..., Envelope], keys_engine: Engine, patients: Patients
) -> None:
    """Pre-active, active, deactivated, gone: two processes with old and new views find each other's rows."""
    one, other = process(cache_seconds=VIEW), process(cache_seconds=VIEW)
    patients.add(one, "ada")
    (name,) = index_names(keys_engine)
    old = probes(other, "ada")
    new = begin_index_key(keys_engine, one.keyring, SSN.key)
    with pytest.raises(TooEarlyError, match="processes go by what they read before: wait for 600") as early:
        activate_index_key(keys_engine, SSN.key, after=600)
    assert name.place == "blind index patient.ssn_bidx"
    assert early.value.seconds == pytest.approx(600, abs=30)
    assert waiting(lambda: activate_index_key(keys_engine, SSN.key, after=AFTER)) == new
    assert [len(probes(each, "ada")) for each in (one, other)] == [2, 2]  # their views are older than VIEW
    assert probes(other, "ada")[1:] == old
    patients.add(other, "ada")
    assert [patients.found(each, "ada") for each in (one, other)] == [2, 2]
    assert one.index_keys.is_rotating(SSN.key, wait_here)
    waited = waiting_for_rows(keys_engine)
    assert "public.patient.ssn_bidx (1); digest them anew first" in waited
    patients.refill(one)
    (receipt,) = waiting(lambda: retire_index_key(keys_engine, SSN.key, after=AFTER))
    assert (receipt.act, receipt.reason) == ("destroy", "retired: no row is under it")
    time.sleep(VIEW)
    assert [len(probes(each, "ada")) for each in (one, other)] == [1, 1]
    assert [patients.found(each, "ada") for each in (one, other)] == [2, 2]


def waiting_for_rows(engine: Engine) -> str:
    """Why a key with rows is not retired, once its time is up."""
    while True:
        with pytest.raises(TooEarlyError) as early:
            retire_index_key(engine, SSN.key, after=AFTER)
        if early.value.seconds is None:
            return str(early.value)
        time.sleep(early.value.seconds)


def test_no_key_is_retired_under_a_snapshot_that_has_its_rows(
    process: Callable[..., Envelope], keys_engine: Engine, patients: Patients
) -> None:
    """A transaction at REPEATABLE READ sees the row as it was, and must find it by the old cell."""
    envelope = process(cache_seconds=0.01)
    patients.add(envelope, "ada")
    begin_index_key(keys_engine, envelope.keyring, SSN.key)
    waiting(lambda: activate_index_key(keys_engine, SSN.key, after=0.05))
    with keys_engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader:
        reader.exec_driver_sql("SELECT 1 FROM patient")
        patients.refill(envelope)
        time.sleep(0.05)
        with pytest.raises(TooEarlyError, match="may still see rows"):
            retire_index_key(keys_engine, SSN.key, after=0.05)
        sql = "SELECT count(*) FROM patient WHERE ssn_bidx = ANY (%s)"
        assert reader.exec_driver_sql(sql, (list(probes(envelope, "ada")),)).scalar() == 1
    assert len(retire_index_key(keys_engine, SSN.key, after=0.05)) == 1


def test_steps_come_in_their_order(process: Callable[..., Envelope], keys_engine: Engine) -> None:
    """What there is nothing for is refused, and says what would be next."""
    envelope = process(cache_seconds=0.01)
    with pytest.raises(ConfigurationError, match="has no key yet"):
        begin_index_key(keys_engine, envelope.keyring, SSN.key)
    cell(envelope, "ada")
    with pytest.raises(ConfigurationError, match="has no pre-active key: begin"):
        activate_index_key(keys_engine, SSN.key)
    with pytest.raises(ConfigurationError, match="has no deactivated key"):
        retire_index_key(keys_engine, SSN.key)
    begin_index_key(keys_engine, envelope.keyring, SSN.key)
    with pytest.raises(ConfigurationError, match="is under way: activate"):
        begin_index_key(keys_engine, envelope.keyring, SSN.key)
    with keys_engine.connect() as connection:
        found = [(each.purpose, each.state) for each in listing.keys(connection)]
        assert index_usage(connection) == []
    with keys_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE envelope.key SET state = 'deactivated' WHERE state = 'active'")
        with pytest.raises(ConfigurationError, match="index-keys retire"):
            states.retire(connection, listing.keys(connection)[0].id)
    assert found == [("index:patient.ssn_bidx", "active"), ("index:patient.ssn_bidx", "pre-active")]


def test_a_revoked_key_stops_searches_and_comes_back_as_it_was(
    process: Callable[..., Envelope], keys_engine: Engine
) -> None:
    """A search without it would miss rows, so there is none; and no other key takes its place meanwhile."""
    envelope = process()
    before = cell(envelope, "ada")
    with keys_engine.begin() as connection:
        (key,) = listing.keys(connection)
        states.revoke(connection, key.id, **WHY)
    assert cell(envelope, "ada") == before  # for as long as what it read holds
    envelope.purge_cache()
    for use in (cell, probes):
        with pytest.raises(RevokedError, match=r"blind index patient\.ssn_bidx"):
            use(envelope, "ada")
    with keys_engine.begin() as connection:
        states.reinstate(connection, key.id, **WHY)
    assert (cell(envelope, "ada"), probes(envelope, "ada")) == (before, (before,))


def test_a_shredded_tenant_s_index_goes_with_it(
    process: Callable[..., Envelope], keys_engine: Engine, patients: Patients
) -> None:
    """With the rows in the receipt; and no key is made while a process may go on with the old one."""
    envelope = process()
    patients.add(envelope, "ada")
    patients.connection.execute("DROP INDEX ix_patient_ssn_bidx")
    with keys_engine.begin() as connection:
        (key,) = listing.keys(connection)
        (receipt,) = states.shred(connection, key.id, **WHY)
    assert receipt.rows == {"public.patient.ssn_bidx": 1}
    envelope.purge_cache()
    with pytest.raises(ShreddedError):
        probes(envelope, "ada")
    with pytest.raises(KeyProviderError, match="another can be made in 3") as later:
        cell(envelope, "ada")
    assert later.value.retryable


def test_nothing_is_written_or_searched_by_what_was_read_too_long_ago(
    process: Callable[..., Envelope], keys_engine: Engine
) -> None:
    """Where the store can't be asked again, it fails: a search that misses a row tells nobody."""
    envelope = process(cache_seconds=1.0)
    before = cell(envelope, "ada")
    with keys_engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE envelope.key RENAME TO hidden")
    assert cell(envelope, "ada") == before
    time.sleep(1.0)
    for use in (cell, probes):
        with pytest.raises(ConfigurationError, match=r"no table envelope\.key"):
            use(envelope, "ada")


def test_views_are_read_ahead_together_by_one_query(
    process: Callable[..., Envelope], keys_engine: Engine
) -> None:
    """Nobody waits for it, and a view that is in use never runs out."""
    contexts = [BlindIndex(name=f"index {number}").context(PLACE) for number in range(8)]
    orders = [(context, [message("ada")]) for context in contexts]
    process().index_keys.cells(orders, wait_here)
    envelope = process(cache_seconds=1.0)
    asked: list[int] = []
    store = envelope.index_keys._store
    assert store is not None
    reads = store.index_keys

    def counted(names: Any) -> Any:
        asked.append(len(names))
        return reads(names)

    store.index_keys = counted  # type: ignore[method-assign]
    envelope.index_keys.probes(orders, wait_here)
    for _ in range(15):
        envelope.index_keys.probes(orders[:1], wait_here)
        time.sleep(0.1)
    assert asked.count(8) >= 2
    assert len(asked) < 8
