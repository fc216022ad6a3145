"""Data keys wrapped under another key: the sibling changes, and nothing else of a row."""

import pytest

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.record.jobs import jobs, quarantined
from sqlalchemy_envelope.errors import ConfigurationError
from sqlalchemy_envelope.rotation.columns import rewrap_column
from sqlalchemy_envelope.testing import FakeKms

from .world import BRISK, NEW, OLD, World, after, before


def test_only_the_sibling_changes(world: World) -> None:
    """Every value opens under the new key alone, and its content is the same bytes."""
    world.fill(250)
    kept = world.rows("id, ssn, value, visits")
    report = rewrap_column(world.database, after, "patient", "ssn", pace=BRISK)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 250, 0)
    assert world.rows("id, ssn, value, visits") == kept
    assert world.under(StaticKey(OLD).key_id) == 0
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0


def test_what_is_as_it_should_be_is_left_alone(world: World) -> None:
    """A second time no row is written: their versions are the same."""
    world.fill(30)
    world.fill(20, after(), first=100)
    world.execute("INSERT INTO patient (id) VALUES (1000)")
    versions = world.rows("id, xmin::text")
    report = rewrap_column(world.database, after(), "patient", "ssn", pace=BRISK)
    assert report.rows_done == 30
    assert world.rows("id, xmin::text")[30:] == versions[30:]
    assert rewrap_column(world.database, after(), "patient", "ssn", pace=BRISK).rows_done == 0


def test_calls_of_a_batch_are_made_at_once(world: World) -> None:
    """From a static key to KMS, one call a value, in waves; and back."""
    kms = FakeKms(delay=0.01)
    to_kms = Envelope(DirectKeyring(kms, opens=[StaticKey(OLD)]))
    world.fill(200)
    assert rewrap_column(world.database, to_kms, "patient", "ssn").rows_done == 200
    assert (kms.wrapped, kms.rewrapped, kms.generated, kms.unwrapped) == (200, 0, 0, 0)
    assert kms.most_at_once > 10
    assert world.wrong(to_kms) == 0
    back = Envelope(DirectKeyring(StaticKey(NEW), opens=[kms]))
    assert rewrap_column(world.database, back, "patient", "ssn").rows_done == 200
    assert kms.unwrapped >= 200
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0


def test_values_of_one_key_may_be_chosen(world: World) -> None:
    """The others stay as they are, and a key that still writes is no choice."""
    other = Envelope(DirectKeyring(StaticKey(bytes(range(2, 34)), previous=[OLD])))
    world.fill(20)
    world.fill(20, other, first=100)
    keyring = DirectKeyring(StaticKey(NEW, previous=[OLD, bytes(range(2, 34))]))
    chosen = StaticKey(OLD).key_id.hex()
    assert rewrap_column(world.database, Envelope(keyring), "patient", "ssn", key=chosen).rows_done == 20
    assert world.under(StaticKey(bytes(range(2, 34))).key_id) == 20
    with pytest.raises(ConfigurationError, match="still written under key"):
        rewrap_column(world.database, Envelope(keyring), "patient", "ssn", key=StaticKey(NEW).key_id.hex())
    assert world.wrong(Envelope(keyring)) == 0


def test_what_never_unwraps_goes_into_quarantine(world: World) -> None:
    """Its row stays as it was; all others are done."""
    world.fill(60)
    world.execute(
        "UPDATE patient SET ssn_dek = set_byte(ssn_dek, 70, get_byte(ssn_dek, 70) # 1) WHERE id = 7"
    )
    report = rewrap_column(world.database, after, "patient", "ssn", pace=BRISK)
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", 59, 1)
    (job,) = jobs(world.connection)
    (row,) = quarantined(world.connection, job.id)
    assert (row.key, row.cause) == (("7",), "DecryptionError unwrap")
    assert world.wrong(after()) == 1


def test_a_missing_key_ends_the_job(world: World) -> None:
    """Nothing is written; once the keyring opens the old key, the same job goes on."""
    world.fill(20)
    with pytest.raises(Exception, match="wrapped under a key that this keyring does not hold"):
        rewrap_column(world.database, Envelope(DirectKeyring(StaticKey(NEW))), "patient", "ssn")
    assert world.wrong(before()) == 0
    assert rewrap_column(world.database, after, "patient", "ssn").rows_done == 20
    assert len(jobs(world.connection)) == 1
