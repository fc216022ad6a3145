"""What AwsKms makes of a KMS that throttles, fails, lies, or is not there."""

import logging
import socket
import time
from collections.abc import Callable

import boto3
import pytest

from sqlalchemy_envelope import (
    AwsKms,
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    EnvelopeError,
    Failure,
    KeyProviderError,
)
from sqlalchemy_envelope.wire import KeyCell

from . import stub as answers
from .stub import ARN, OTHER_ARN, Stub
from .waits import here

Make = Callable[..., AwsKms]


def error_of(call: Callable[[], object]) -> EnvelopeError:
    """The error of ours that a call raises; its text holds nothing of the server's."""
    with pytest.raises(EnvelopeError) as caught:
        call()
    assert "canary" not in str(caught.value)
    assert "patient.ssn" in str(caught.value)
    return caught.value


def test_what_is_sent_is_what_the_document_says(kms: AwsKms, stub: Stub, context: Context) -> None:
    """GenerateDataKey of 256 bits and Decrypt, both with the key's ARN and the encryption context."""
    made = kms.generate(context)
    assert kms.unwrap(KeyCell.parse(made.cell), context) == made.key
    bound = {"table": "patient", "key": "ssn_dek", "sqlalchemy-envelope": "v3/data-key"}
    (first, generated), (second, decrypted) = stub.requests
    assert (first, second) == ("GenerateDataKey", "Decrypt")
    assert generated == {"KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": bound}
    assert (decrypted["KeyId"], decrypted["EncryptionContext"]) == (ARN, bound)


def test_version_2_is_sent_without_a_context(kms: AwsKms, stub: Stub) -> None:
    """But with the KeyId."""
    kms.unwrap_v2(b"wrapped:" + b"k" * 32)
    assert stub.requests[0][1].keys() == {"KeyId", "CiphertextBlob"}


def test_version_2_is_tried_under_each_allowed_key(make_kms: Make, stub: Stub) -> None:
    """It does not say which it is of."""
    stub.script = [answers.failing("IncorrectKeyException")]
    assert make_kms(also_opens=[OTHER_ARN]).unwrap_v2(b"wrapped:" + b"k" * 32) == b"k" * 32
    assert {body["KeyId"] for _, body in stub.requests} == {ARN, OTHER_ARN}


@pytest.mark.parametrize(
    "answer",
    [
        answers.failing("ThrottlingException"),
        answers.failing("LimitExceededException"),
        answers.raw(429, b"{}"),
        answers.failing("KMSInternalException", 500),
        answers.failing("DependencyTimeoutException", 500),
        answers.failing("KeyUnavailableException", 500),
        answers.raw(503, b"<html>bad gateway</html>"),
        answers.raw(502, b""),
        answers.hang_up,
        answers.after(0.8),
    ],
    ids=[
        "throttled",
        "limit",
        "429",
        "internal",
        "dependency",
        "unavailable",
        "503",
        "502",
        "hung-up",
        "late",
    ],
)
def test_what_may_pass_is_tried_again(
    make_kms: Make, stub: Stub, context: Context, answer: answers.Answer
) -> None:
    """Within the budget, and then it works."""
    stub.script = [answer, answer]
    make_kms(time_budget=10.0).generate(context)
    assert len(stub.requests) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ThrottlingException", "throttled"),
        ("KMSInternalException", "failed inside KMS"),
        ("DependencyTimeoutException", "timed out inside KMS"),
    ],
)
def test_what_does_not_pass_in_time_is_retryable(
    make_kms: Make, stub: Stub, context: Context, code: str, words: str
) -> None:
    """Tried more than once, never for longer than the budget, and the caller may try later."""
    stub.always(answers.failing(code))
    kms = make_kms(time_budget=0.6)
    began = time.monotonic()
    error = error_of(lambda: kms.generate(context))
    assert time.monotonic() - began < 0.8
    assert isinstance(error, KeyProviderError)
    assert error.retryable
    assert words in str(error)
    assert len(stub.requests) > 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", "was denied; allow it in the key policy"),
        ("DisabledException", "disabled"),
        ("NotFoundException", "no such key"),
        ("KMSInvalidStateException", "pending deletion"),
        ("InvalidKeyUsageException", "symmetric"),
        ("UnrecognizedClientException", "credentials"),
        ("SomethingNewException", r"was refused (SomethingNewException)"),
        ("Strange Code with a value 123", "was refused"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(
    kms: AwsKms, stub: Stub, context: Context, code: str, words: str
) -> None:
    """One call, and an error that says what to do."""
    stub.always(answers.failing(code))
    error = error_of(lambda: kms.generate(context))
    assert isinstance(error, KeyProviderError)
    assert not error.retryable
    assert words in str(error)
    assert "123" not in str(error)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("code", ["InvalidCiphertextException", "IncorrectKeyException"])
def test_a_wrapped_key_that_kms_refuses_never_opens(
    kms: AwsKms, stub: Stub, context: Context, code: str
) -> None:
    """That is no outage: the stored value is at fault."""
    cell = KeyCell.parse(kms.generate(context).cell)
    stub.always(answers.failing(code))
    error = error_of(lambda: kms.unwrap(cell, context))
    assert isinstance(error, DecryptionError)
    assert error.failure is Failure.UNWRAP
    assert len(stub.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        {"KeyId": OTHER_ARN, "Plaintext": bytes(32), "CiphertextBlob": b"x"},
        {"KeyId": ARN, "Plaintext": bytes(31), "CiphertextBlob": b"x"},
        {"KeyId": ARN, "Plaintext": bytes(33), "CiphertextBlob": b"x"},
        {"KeyId": ARN, "CiphertextBlob": b"x"},
        {"KeyId": ARN, "Plaintext": bytes(32)},
        {"KeyId": ARN, "Plaintext": bytes(32), "CiphertextBlob": b""},
        {"KeyId": ARN, "Plaintext": bytes(32), "CiphertextBlob": bytes(4097)},
        {"KeyId": ARN, "Plaintext": bytes(32), "CiphertextBlob": bytes(3_000_000)},
        {},
    ],
    ids=["other-key", "31", "33", "no-key", "no-blob", "empty-blob", "4097", "huge", "empty"],
)
def test_a_reply_that_lies_is_refused(
    kms: AwsKms, stub: Stub, context: Context, reply: dict[str, object]
) -> None:
    """Nothing is sealed under a key of another ARN or of another size."""
    stub.always(answers.replies(**reply))
    error = error_of(lambda: kms.generate(context))
    assert isinstance(error, KeyProviderError)
    assert "replied with" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    "payload", [b"", b"not json", b"[]", b'"x"', b'{"Plaintext": 5}', b'{"Plaintext": "?"}']
)
def test_a_reply_that_is_none_is_refused(kms: AwsKms, stub: Stub, context: Context, payload: bytes) -> None:
    """Whatever a server in between may say."""
    stub.always(answers.raw(200, payload))
    assert isinstance(error_of(lambda: kms.generate(context)), KeyProviderError)


def test_an_unwrapped_key_of_another_kms_key_is_refused(kms: AwsKms, stub: Stub, context: Context) -> None:
    """Decrypt says which key it used, and that must be the one on the allow-list."""
    cell = KeyCell.parse(kms.generate(context).cell)
    stub.always(answers.replies(KeyId=OTHER_ARN, Plaintext=bytes(32)))
    assert "a key that was not asked for" in str(error_of(lambda: kms.unwrap(cell, context)))


def test_a_key_that_is_not_on_the_allow_list_is_never_sent(
    kms: AwsKms, make_kms: Make, stub: Stub, context: Context
) -> None:
    """The stored cell names a key of somebody else's."""
    foreign = KeyCell.parse(make_kms(OTHER_ARN).generate(context).cell)
    stub.requests.clear()
    error = error_of(lambda: kms.unwrap(foreign, context))
    assert isinstance(error, DecryptionError)
    assert error.failure is Failure.UNKNOWN_KEY
    assert not stub.requests


def test_a_server_that_is_not_there_is_retryable(
    make_kms: Make, stub: Stub, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connection refused, until the budget ends."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{closed.getsockname()[1]}")
    error = error_of(lambda: make_kms(time_budget=0.3).generate(context))
    assert isinstance(error, KeyProviderError)
    assert error.retryable
    assert "got no answer" in str(error)


def test_a_server_that_is_silent_times_out(make_kms: Make, stub: Stub, context: Context) -> None:
    """One read time-out is as long as an attempt takes; none begins after the budget."""
    stub.always(answers.after(3.0))
    kms = make_kms(time_budget=0.5, read_timeout=0.3)
    began = time.monotonic()
    error = error_of(lambda: kms.generate(context))
    assert time.monotonic() - began < 1.0
    assert isinstance(error, KeyProviderError)
    assert error.retryable


def test_missing_credentials_are_said_so(
    make_kms: Make, stub: Stub, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, and trying again would not help."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = error_of(lambda: make_kms().generate(context))
    assert isinstance(error, KeyProviderError)
    assert "no credentials" in str(error)
    assert not stub.requests


def test_expired_credentials_are_looked_up_again_once(stub: Stub, context: Context) -> None:
    """A new session finds what a sidecar or a role has put there since; 20 calls at once make one."""
    made: list[str] = []

    def make() -> object:
        made.append(f"access{len(made)}")
        return boto3.client("kms", aws_access_key_id=made[-1], aws_secret_access_key="secret")

    keyring = DirectKeyring(AwsKms(ARN, make), concurrency=20)
    keyring.issue([(context, 20)], here)
    stub.expired = {"access0"}
    keyring.issue([(context, 20)], here)
    assert made == ["access0", "access1"]


def test_credentials_that_stay_expired_are_not_retryable(kms: AwsKms, stub: Stub, context: Context) -> None:
    """Two attempts, then the operator is asked."""
    stub.always(answers.failing("ExpiredTokenException"))
    error = error_of(lambda: kms.generate(context))
    assert isinstance(error, KeyProviderError)
    assert not error.retryable
    assert "expired" in str(error)
    assert len(stub.requests) == 2


def test_throttling_slows_all_calls_down_and_no_wave_hangs(
    make_kms: Make, stub: Stub, context: Context
) -> None:
    """A quarter of the calls throttled: the wave ends well, each value once."""
    throttled = answers.failing("ThrottlingException")
    stub.script = [throttled if at % 4 == 0 else answers.well for at in range(200)]
    keyring = DirectKeyring(make_kms(time_budget=20.0))
    assert len(set(keyring.issue([(context, 100)], here)[0].cells)) == 100


def test_calls_of_a_wave_are_just_as_many_as_its_values(kms: AwsKms, stub: Stub, context: Context) -> None:
    """Written once, read once, read again for nothing."""
    envelope = Envelope(DirectKeyring(kms))
    cells = envelope.seal_many(["x"] * 30, context)
    envelope.open_many(cells, context)
    envelope.open_many(cells, context)
    sent = [operation for operation, _ in stub.requests]
    assert (sent.count("GenerateDataKey"), sent.count("Decrypt")) == (30, 30)


def test_no_data_key_is_logged(
    kms: AwsKms, stub: Stub, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """botocore writes whole replies to its log at DEBUG; those that hold a key are hidden."""
    caplog.set_level(logging.DEBUG)
    key = b"canary-key-canary-key-canary-key"
    stub.always(answers.replies(KeyId=ARN, Plaintext=key, CiphertextBlob=b"x"))
    made = kms.generate(context)
    assert made.key == key
    kms.unwrap(KeyCell.parse(made.cell), context)
    assert "canary" not in caplog.text
    assert "Y2FuYXJ5LWtleS" not in caplog.text  # its base64
    assert "hidden" in caplog.text


def test_no_data_key_is_in_the_error_of_a_bad_reply(kms: AwsKms, stub: Stub, context: Context) -> None:
    """Neither in its text nor in the locals of its frames, which test runners and trackers print."""
    key = b"canary-key-canary-key-canary-key"
    stub.always(answers.replies(KeyId=OTHER_ARN, Plaintext=key, CiphertextBlob=b"x"))
    with pytest.raises(KeyProviderError) as caught:
        kms.generate(context)
    assert caught.value.__context__ is None
    assert not any(key in str(entry.frame.f_locals).encode() for entry in caught.traceback[1:])
