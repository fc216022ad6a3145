"""Envelope.from_env reads three variables, and says at start what is wrong with them."""

import base64
import os
from typing import Any

import pytest

from sqlalchemy_envelope import (
    ConfigurationError,
    DecryptionError,
    DirectKeyring,
    Envelope,
    StaticKey,
    TieredKeyring,
)
from sqlalchemy_envelope.wire import KeyCell, Wrap

OLD, NEW = (base64.b64encode(bytes([at]) + os.urandom(31)).decode() for at in (1, 2))


def from_env(**environ: str) -> Envelope:
    """An envelope from just these variables."""
    return Envelope.from_env(environ)


def wrap_of(envelope: Envelope) -> Wrap:
    """How it wraps a data key."""
    ((dek, _),) = envelope.seal_many(["a"], "t.c")
    assert dek is not None
    return KeyCell.parse(dek).wrap


def test_a_static_key_alone_wraps_and_opens() -> None:
    """For development, and to begin with."""
    envelope = from_env(SECRETS_ENCRYPTION_KEY=NEW)
    assert wrap_of(envelope) is Wrap.STATIC
    assert envelope.keyring.local


def test_a_kms_key_alone_wraps(kms_key_arn: str) -> None:
    """The real client, from the environment's credentials."""
    assert wrap_of(from_env(KMS_KEY_ARN=kms_key_arn)) is Wrap.AWS_KMS


def test_with_both_the_kms_writes_and_the_static_key_still_opens(kms_key_arn: str) -> None:
    """A deployment flips from one to the other without touching a row."""
    before = from_env(SECRETS_ENCRYPTION_KEY=NEW)
    cells = before.seal_many(["a"], "t.c")
    after = from_env(SECRETS_ENCRYPTION_KEY=NEW, KMS_KEY_ARN=kms_key_arn)
    assert wrap_of(after) is Wrap.AWS_KMS
    assert after.open_many(cells + after.seal_many(["b"], "t.c"), "t.c") == [b"a", b"b"]


def test_previous_static_keys_still_open() -> None:
    """Several, parted by commas; blanks do not matter."""
    cells = from_env(SECRETS_ENCRYPTION_KEY=OLD).seal_many(["a"], "t.c")
    other = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(DecryptionError):
        from_env(SECRETS_ENCRYPTION_KEY=NEW).open_many(cells, "t.c")
    rotated = from_env(SECRETS_ENCRYPTION_KEY=NEW, SECRETS_ENCRYPTION_KEY_PREVIOUS=f"{other} , {OLD},")
    assert rotated.open_many(cells, "t.c") == [b"a"]


def test_previous_kms_keys_still_open(kms_key_arn: str, kms_client: Any) -> None:
    """Beside a new one, and beside a static key that writes again."""
    cells = from_env(KMS_KEY_ARN=kms_key_arn).seal_many(["a"], "t.c")
    new = kms_client.create_key()["KeyMetadata"]["Arn"]
    rotated = from_env(KMS_KEY_ARN=new, KMS_KEY_ARN_PREVIOUS=f" {kms_key_arn},")
    assert rotated.open_many(cells, "t.c") == [b"a"]
    assert rotated.seal_many(["b"], "t.c")[0][0][3:19] != cells[0][0][3:19]  # type: ignore[index]
    back = from_env(SECRETS_ENCRYPTION_KEY=NEW, KMS_KEY_ARN_PREVIOUS=kms_key_arn)
    assert wrap_of(back) is Wrap.STATIC
    assert back.open_many(cells, "t.c") == [b"a"]


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no argument, `os.environ`."""
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", NEW)
    sealed = Envelope.from_env().seal_many(["a"], "t.c")
    assert Envelope(DirectKeyring(StaticKey(NEW))).open_many(sealed, "t.c") == [b"a"]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "set KMS_KEY_ARN .* or SECRETS_ENCRYPTION_KEY"),
        ({"KMS_KEY_ARN": "", "SECRETS_ENCRYPTION_KEY": ""}, "set KMS_KEY_ARN"),
        ({"KMS_KEY_ARN": " "}, "set KMS_KEY_ARN"),
        ({"SECRETS_ENCRYPTION_KEY": "canary-too-short"}, "^SECRETS_ENCRYPTION_KEY: "),
        ({"SECRETS_ENCRYPTION_KEY": NEW[:-3]}, "^SECRETS_ENCRYPTION_KEY: "),
        ({"KMS_KEY_ARN": "canary-no-arn"}, "^KMS_KEY_ARN: .*full key ARN"),
        ({"KMS_KEY_ARN": "arn:aws:kms:eu-central-1:111122223333:alias/canary"}, "^KMS_KEY_ARN: an alias"),
        ({"KMS_KEY_ARN": "canary", "SECRETS_ENCRYPTION_KEY": NEW}, "^KMS_KEY_ARN: "),
        ({"KMS_KEY_ARN_PREVIOUS": "canary", "SECRETS_ENCRYPTION_KEY": NEW}, "^KMS_KEY_ARN_PREVIOUS: "),
        ({"SECRETS_ENCRYPTION_KEY": NEW, "SECRETS_ENCRYPTION_KEY_PREVIOUS": "canary"}, "_PREVIOUS: "),
        ({"SECRETS_ENCRYPTION_KEY_PREVIOUS": NEW}, "set KMS_KEY_ARN"),
        ({"SECRETS_ENCRYPTION_KEY": NEW, "ENVELOPE_KEYRING": "canary"}, "^ENVELOPE_KEYRING is one of"),
        ({"SECRETS_ENCRYPTION_KEY": NEW, "ENVELOPE_REUSE_VALUES": "1000"}, "need ENVELOPE_KEYRING"),
        (
            {"SECRETS_ENCRYPTION_KEY": NEW, "ENVELOPE_KEYRING": "reuse", "ENVELOPE_REUSE_SECONDS": "canary"},
            "^ENVELOPE_REUSE_SECONDS is no number",
        ),
        (
            {"SECRETS_ENCRYPTION_KEY": NEW, "ENVELOPE_KEYRING": "reuse", "ENVELOPE_REUSE_VALUES": "000000"},
            "^ENVELOPE_REUSE_VALUES, ENVELOPE_REUSE_SECONDS: ",
        ),
    ],
)
def test_what_is_missing_or_bad_is_an_error_at_start(environ: dict[str, str], message: str) -> None:
    """With the variable's name and never its value; there is no mode that stores plaintext."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Envelope.from_env(environ)
    assert not any(len(value) > 5 and value in str(caught.value) for value in environ.values())
    assert "canary" not in str(caught.value)


def test_previous_keys_need_a_present_one(kms_key_arn: str) -> None:
    """Beside a KMS too: an older key of nothing is a mistake."""
    with pytest.raises(ConfigurationError, match="is set without SECRETS_ENCRYPTION_KEY"):
        from_env(KMS_KEY_ARN=kms_key_arn, SECRETS_ENCRYPTION_KEY_PREVIOUS=OLD)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("", "DirectKeyring"),
        ("direct", "DirectKeyring"),
        ("reuse", "DirectKeyring"),
        ("tiered", "TieredKeyring"),
        ("direct+tiered", "TieredKeyring"),
        ("reuse+tiered", "TieredKeyring"),
    ],
)
def test_one_variable_chooses_the_keyring(kind: str, told: str) -> None:
    """Whichever is written before the plus, tiers open behind it."""
    envelope = from_env(SECRETS_ENCRYPTION_KEY=NEW, ENVELOPE_KEYRING=kind)
    assert type(envelope.keyring).__name__ == told
    if kind != "tiered":
        deks = {dek for dek, _ in envelope.seal_many(["a"] * 3, "t.c")}
        assert len(deks) == (1 if "reuse" in kind else 3)


def test_reuse_has_its_numbers() -> None:
    """Values and seconds."""
    environ = {"SECRETS_ENCRYPTION_KEY": NEW, "ENVELOPE_KEYRING": "reuse", "ENVELOPE_REUSE_VALUES": "2"}
    assert len({dek for dek, _ in from_env(**environ).seal_many(["a"] * 6, "t.c")}) == 3


def test_the_keyring_is_a_direct_one() -> None:
    """One data key a value is the default."""
    assert isinstance(from_env(SECRETS_ENCRYPTION_KEY=NEW).keyring, DirectKeyring)


def test_keys_of_several_regions_wrap_tiers(kms_key_arn: str) -> None:
    """Not direct values, which would be lost with their region; replicas of one key share their cells."""
    arns = f"{kms_key_arn}, {kms_key_arn.replace('eu-central-1', 'eu-west-1')}"
    keyring = from_env(KMS_KEY_ARN=arns, ENVELOPE_KEYRING="tiered").keyring
    assert isinstance(keyring, TieredKeyring)
    assert repr(keyring).count("AwsKms(") == 2
    for kind in ("direct", "reuse+tiered"):
        with pytest.raises(ConfigurationError, match="need ENVELOPE_KEYRING to be tiered"):
            from_env(KMS_KEY_ARN=arns, ENVELOPE_KEYRING=kind)
    replicas = arns.replace("key/", "key/mrk-")
    assert "RegionalKms" in repr(from_env(KMS_KEY_ARN=replicas).keyring)
    with pytest.raises(ConfigurationError, match=r"^KMS_KEY_ARN: .*full key ARN"):
        from_env(KMS_KEY_ARN=f"{kms_key_arn},")
