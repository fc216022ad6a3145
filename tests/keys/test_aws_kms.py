"""AwsKms against a real KMS server with the real boto3 client."""

import pickle
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config

from sqlalchemy_envelope import (
    AwsKms,
    ConfigurationError,
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    Failure,
)
from sqlalchemy_envelope.cipher import kms_key_id
from sqlalchemy_envelope.providers.aws_kms import key_id_of
from sqlalchemy_envelope.wire import KeyCell, Wrap

from .stub import ARN, OTHER_ARN


@pytest.fixture
def envelope(kms_key_arn: str) -> Envelope:
    """One that calls the KMS server with a client made from the environment."""
    return Envelope(DirectKeyring(AwsKms(kms_key_arn)))


def test_values_come_back(envelope: Envelope, context: Context) -> None:
    """Sealed and opened under keys that the KMS made, in waves."""
    values = [f"value {at}" for at in range(60)]
    cells = envelope.seal_many(values, context)
    envelope.keyring.purge_cache()
    assert envelope.open_many(cells, context) == [value.encode() for value in values]


def test_the_cell_holds_the_wrapped_key_and_the_id_of_the_key(
    envelope: Envelope, kms_client, kms_key_arn: str, context: Context
) -> None:
    """Anyone with the KMS and the format's document can unwrap it: with the stated encryption context."""
    ((dek, _),) = envelope.seal_many(["a"], context)
    assert dek
    cell = KeyCell.parse(dek)
    assert cell.wrap is Wrap.AWS_KMS
    assert cell.key_id == kms_key_id(kms_key_arn)
    reply = kms_client.decrypt(
        KeyId=kms_key_arn,
        CiphertextBlob=cell.wrapped,
        EncryptionContext={"table": "patient", "key": "ssn_dek", "sqlalchemy-envelope": "v3/data-key"},
    )
    assert len(reply["Plaintext"]) == 32


def test_a_key_moved_to_another_column_does_not_unwrap(envelope: Envelope, context: Context) -> None:
    """The KMS itself refuses it."""
    cells = envelope.seal_many(["a"], context)
    with pytest.raises(DecryptionError) as caught:
        envelope.open_many(cells, "patient.name")
    assert caught.value.failure is Failure.UNWRAP
    assert caught.value.place == "patient.name"


def test_an_altered_wrapped_key_does_not_unwrap(envelope: Envelope, context: Context) -> None:
    """A flipped bit anywhere in it."""
    ((dek, content),) = envelope.seal_many(["a"], context)
    assert dek
    altered = dek[:-1] + bytes([dek[-1] ^ 1])
    with pytest.raises(DecryptionError) as caught:
        envelope.open_many([(altered, content)], context)
    assert caught.value.failure is Failure.UNWRAP


def test_an_older_key_still_opens(kms_client, kms_key_arn: str, envelope: Envelope, context: Context) -> None:
    """`also_opens` is what a change of keys needs; the new one writes."""
    new_arn = kms_client.create_key()["KeyMetadata"]["Arn"]
    cells = envelope.seal_many(["a"], context)
    after = Envelope(DirectKeyring(AwsKms(new_arn, also_opens=[kms_key_arn])))
    assert after.open_many(cells, context) == [b"a"]
    with pytest.raises(DecryptionError) as caught:
        envelope.open_many(after.seal_many(["b"], context), context)
    assert caught.value.failure is Failure.UNKNOWN_KEY


def test_a_version_2_key_is_unwrapped_without_a_context(kms_client, kms_key_arn: str) -> None:
    """As it was wrapped, and with the KeyId given all the same."""
    made = kms_client.generate_data_key(KeyId=kms_key_arn, KeySpec="AES_256")
    assert AwsKms(kms_key_arn).unwrap_v2(made["CiphertextBlob"]) == made["Plaintext"]


def test_a_client_of_ones_own_is_used(kms_server: str, kms_key_arn: str, context: Context) -> None:
    """Given as a client, or as a function that makes one."""

    def make() -> object:
        return boto3.client("kms", endpoint_url=kms_server, config=Config(user_agent="mine"))

    for given in (make(), make):
        envelope = Envelope(DirectKeyring(AwsKms(kms_key_arn, given)))
        assert envelope.open_many(envelope.seal_many(["a"], context), context) == [b"a"]


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-central-1:111122223333:key/",
        "arn:aws:s3:eu-central-1:111122223333:key/1234abcd",
        ARN + "\n",
        ARN + " ",
        None,
    ],
)
def test_what_is_no_key_arn_is_refused(arn: str) -> None:
    """At start, with what to give instead."""
    with pytest.raises(ConfigurationError, match="full key ARN"):
        AwsKms(arn)


def test_an_alias_is_refused_with_the_remedy() -> None:
    """It could be pointed at another key, and what is stored would no longer open."""
    with pytest.raises(ConfigurationError, match=r"alias can be pointed at another key.*describe-key"):
        AwsKms("arn:aws:kms:eu-central-1:111122223333:alias/production")


def test_keys_of_several_regions_need_a_provider_each() -> None:
    """One client calls one region."""
    with pytest.raises(ConfigurationError, match="another region"):
        AwsKms(ARN, also_opens=[ARN.replace("eu-central-1", "eu-west-1")])
    with pytest.raises(ConfigurationError, match="list of key ARNs"):
        AwsKms(ARN, also_opens=OTHER_ARN)


def test_replicas_of_a_multi_region_key_share_an_id() -> None:
    """The region does not count for them, and does for all others."""
    one = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
    other = one.replace("us-east-1", "eu-west-1")
    assert key_id_of(one) == key_id_of(other) == kms_key_id(one.replace("us-east-1", ""))
    assert key_id_of(ARN) != key_id_of(ARN.replace("eu-central-1", "eu-west-1"))


def test_plain_http_is_refused_beyond_loopback(monkeypatch: pytest.MonkeyPatch, kms_server: str) -> None:
    """Data keys come in the clear inside TLS, so without it they would come in the clear."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://kms.internal:8080")
    with pytest.raises(ConfigurationError, match="verified TLS"):
        AwsKms(ARN)


@pytest.mark.parametrize(
    ("service", "options", "message"),
    [
        ("kms", {"endpoint_url": "http://10.0.0.1"}, "verified TLS"),
        ("kms", {"endpoint_url": "https://kms.eu-central-1.amazonaws.com", "verify": False}, "verified TLS"),
        ("kms", {"region_name": "eu-west-1"}, "region"),
        ("sts", {}, "client of KMS"),
    ],
)
def test_a_client_that_can_not_be_trusted_is_refused(
    kms_server: str, service: str, options: dict[str, object], message: str
) -> None:
    """Without TLS, without verification, of another region, of another service."""
    client = boto3.session.Session().client(service, **options)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match=message):
        AwsKms(ARN, client)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_SECRET_ACCESS_KEY", ""), ("AWS_PROFILE", "absent"), ("AWS_ENDPOINT_URL_KMS", "no URL")],
)
def test_a_client_that_boto3_can_not_make_is_refused(
    monkeypatch: pytest.MonkeyPatch, kms_server: str, variable: str, value: str
) -> None:
    """By an error of ours that says where to look."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="check AWS_PROFILE"):
        AwsKms(ARN)


@pytest.mark.parametrize("option", ["time_budget", "connect_timeout", "read_timeout", "connections"])
def test_limits_are_above_zero(option: str) -> None:
    """A time-out of zero would be none."""
    with pytest.raises(ConfigurationError, match="above 0"):
        AwsKms(ARN, **{option: 0})  # type: ignore[arg-type]


def test_it_is_not_pickled(kms_server: str) -> None:
    """A client belongs to its process."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(AwsKms(ARN))


def test_boto3_is_loaded_when_a_kms_is_asked_for_and_not_before() -> None:
    """Importing the package costs nothing of it, nor of pytest; without it the error names the extra."""
    script = (
        "import sys, sqlalchemy_envelope as e\n"
        "assert not {'boto3', 'botocore', 'pytest'} & set(sys.modules), 'loaded'\n"
        "sys.modules['boto3'] = None\n"
        f"try: e.AwsKms({ARN!r})\n"
        "except e.ConfigurationError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "AwsKms needs boto3: pip install 'sqlalchemy-envelope[aws]'\n"
