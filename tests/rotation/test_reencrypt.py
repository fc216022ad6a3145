"""Values sealed anew under fresh data keys: after an incident, and from versions 1 and 2."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.record.jobs import jobs, quarantined
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.errors import BackfillError, ConfigurationError
from sqlalchemy_envelope.legacy import Version
from sqlalchemy_envelope.rotation import reencrypt_column, rewrap_column
from sqlalchemy_envelope.testing import FakeKms

from .world import BRISK, NEW, OLD, World, after


def test_both_cells_change_and_nothing_else(world: World) -> None:
    """Under fresh data keys, one each; values under another key stay out of it where one is chosen."""
    world.fill(120)
    world.fill(10, Envelope(DirectKeyring(StaticKey(bytes(range(9, 41))))), first=200)
    world.execute("INSERT INTO patient (id) VALUES (1000)")
    before = world.rows("ssn, ssn_dek")
    opens = Envelope(DirectKeyring(StaticKey(NEW, previous=[OLD, bytes(range(9, 41))])))
    chosen = StaticKey(OLD).key_id.hex()
    report = reencrypt_column(world.database, opens, "patient", "ssn", key=chosen, pace=BRISK)
    now = world.rows("ssn, ssn_dek")
    assert (report.state, report.rows_done) == ("done", 120)
    assert len({dek for _, dek in now[:120]}) == 120
    assert not {content for content, _ in now[:120]} & {content for content, _ in before[:120]}
    assert now[120:] == before[120:]
    assert world.value("SELECT sum(visits) FROM patient") == 0
    assert world.wrong(opens) == 0


def test_an_altered_value_goes_into_quarantine(world: World) -> None:
    """It is never taken for what it is not: its row stays as it was."""
    world.fill(30)
    world.execute("UPDATE patient SET ssn = set_byte(ssn, 60, get_byte(ssn, 60) # 1) WHERE id = 7")
    report = reencrypt_column(world.database, after, "patient", "ssn", pace=BRISK)
    assert (report.rows_done, report.rows_quarantined) == (29, 1)
    assert [row.cause for row in quarantined(world.connection, jobs(world.connection)[0].id)] == [
        "DecryptionError tag"
    ]


def test_a_trigger_that_puts_the_old_value_back_ends_the_job(world: World) -> None:
    """The batch is taken back, and the error says what to see to."""
    world.fill(5)
    world.execute(
        "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.ssn := OLD.ssn; NEW.ssn_dek := OLD.ssn_dek; RETURN NEW; END';"
        "CREATE TRIGGER back BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION back()"
    )
    for rotation in (rewrap_column, reencrypt_column):
        with pytest.raises(BackfillError, match="a trigger of the table undid"):
            rotation(world.database, after, "patient", "ssn")


def test_version_1_becomes_version_3(world: World) -> None:
    """Beside values that are of version 3 already; what would not read back as text is left."""
    _accept(world, Version.V1)
    nonces = [os.urandom(12) for _ in range(41)]
    values = [f"value {n}".encode() for n in range(1, 41)] + [b"\xff"]
    cells = [
        nonce + AESGCM(OLD).encrypt(nonce, value, None) for nonce, value in zip(nonces, values, strict=True)
    ]
    for number, cell in enumerate(cells, 1):
        row = [number, cell, f"value {number}"]
        world.execute("INSERT INTO patient (id, ssn, value) VALUES (%s, %b, %s)", row)
    world.fill(10, after(), first=100)
    report = reencrypt_column(world.database, after, "patient", "ssn", accept=1, pace=BRISK)
    assert (report.rows_done, report.rows_quarantined) == (40, 1)
    world.execute("DELETE FROM patient WHERE id = 41")
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0


def test_version_2_becomes_version_3_split_or_not(world: World) -> None:
    """Its keys are unwrapped in one wave a batch, without a context; the new ones are bound to the column."""
    _accept(world, Version.V2)
    kms = FakeKms()
    for number in range(1, 21):
        key, nonce = os.urandom(32), os.urandom(12)
        wrapped = kms.wrap_v2(key)
        head = b"\x02" + len(wrapped).to_bytes(2, "big") + wrapped
        sealed = nonce + AESGCM(key).encrypt(nonce, f"value {number}".encode(), None)
        cells = (head, sealed) if number % 2 else (None, head + sealed)
        row = [number, *cells, f"value {number}"]
        world.execute("INSERT INTO patient (id, ssn_dek, ssn, value) VALUES (%s, %b, %b, %s)", row)
    keyring = DirectKeyring(StaticKey(NEW), opens=[kms])
    assert rewrap_column(world.database, Envelope(keyring), "patient", "ssn").rows_done == 0
    report = reencrypt_column(world.database, Envelope(keyring), "patient", "ssn", accept=2, pace=BRISK)
    assert (report.rows_done, kms.unwrapped) == (20, 20)
    assert world.wrong(Envelope(DirectKeyring(StaticKey(NEW)))) == 0


def test_what_cannot_be_meant_is_refused(world: World) -> None:
    """Before anything is recorded, or done."""
    world.fill(1)
    with pytest.raises(ConfigurationError, match="32 hexadecimal digits"):
        rewrap_column(world.database, after, "patient", "ssn", key="abc")
    with pytest.raises(ConfigurationError, match="name the column that tells it"):
        rewrap_column(world.database, after, "patient", "ssn", only_tenant="acme")
    with pytest.raises(ConfigurationError, match="has no column other"):
        rewrap_column(world.database, after, "patient", "ssn", dek="other")
    with pytest.raises(ConfigurationError, match="no encrypted column"):
        rewrap_column(world.database, after, "patient", "value", dek="ssn_dek")
    world.execute("ALTER TABLE patient DROP CONSTRAINT patient_pkey")
    with pytest.raises(ConfigurationError, match="no key to go by"):
        rewrap_column(world.database, after, "patient", "ssn")


def accept_version_1(world: World) -> None:
    """A column that accepts version 1, and one value of it."""
    _accept(world, Version.V1)
    nonce = os.urandom(12)
    row = [1, nonce + AESGCM(OLD).encrypt(nonce, b"value 1", None), "value 1"]
    world.execute("INSERT INTO patient (id, ssn, value) VALUES (%s, %b, %s)", row)


def _accept(world: World, version: Version) -> None:
    world.execute("ALTER TABLE patient DROP CONSTRAINT patient_ssn_envelope")
    world.execute(f"ALTER TABLE patient ADD CHECK ({check_sql('ssn', 'ssn_dek', version)})")
