"""Sealing and opening: the law that what was sealed opens, and that nothing else does; silent errors."""

import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import (
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    Failure,
    KeyProviderError,
    StaticKey,
    cipher,
    codec,
)
from sqlalchemy_envelope.opening import Opener, Reading, Unlocked, UnlockedV2

KEY = bytes(range(32))
PLACE = Context("patient", "ssn")
KEYS = st.binary(min_size=32, max_size=32)
VALUES = st.none() | st.text() | st.binary()


def envelope(key: bytes = KEY) -> Envelope:
    """A fresh one."""
    return Envelope(DirectKeyring(StaticKey(key)))


def sealed(value: str) -> tuple[bytes, bytes]:
    """The two cells of one value."""
    ((dek, content),) = envelope().seal_many([value], PLACE)
    assert dek is not None
    assert content is not None
    return dek, content


@given(KEYS, st.sampled_from(["content", "wrap", "key-id"]), st.binary(max_size=300))
def test_the_key_derivation_is_concat_kdf_with_sha_512(key, label, info):
    """`ConcatKDFHash` computes NIST SP 800-56C's one-step construction too."""
    other = ConcatKDFHash(SHA512(), 64, f"sqlalchemy-envelope/v3/{label}".encode() + b"\0" + info)
    assert cipher.derive(key, label, info) == other.derive(key)


@given(st.lists(VALUES, max_size=5))
def test_what_was_sealed_opens(values):
    """In order, NULL for NULL; each value has a data key, a salt and a ciphertext of its own."""
    cells = envelope().seal_many(values, PLACE)
    expected = [value.encode() if isinstance(value, str) else value for value in values]
    assert envelope().open_many(cells, PLACE) == expected
    filled = [cell for pair in cells for cell in pair if cell is not None]
    assert len(set(filled)) == len(filled)


@given(st.binary(), KEYS, KEYS)
def test_only_the_data_key_that_sealed_a_value_opens_it(plaintext, key, other):
    """Under any other the commitment fails, before anything is decrypted."""
    seal, open_ = cipher.sealer(PLACE.content, PLACE.flags), cipher.opener(PLACE.content, PLACE.flags)
    (cell,) = seal([plaintext], [key])
    assert open_(key, cell) == plaintext
    if other != key:
        with pytest.raises(DecryptionError) as caught:
            open_(other, cell)
        assert caught.value.failure is Failure.COMMITMENT


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_pair_opens_from_whatever_holds_its_bytes(kind):
    """A driver may hand out any of them; the failures are the same too."""
    dek, content = sealed("x")
    opener = Opener(DirectKeyring(StaticKey(KEY)), Reading(PLACE))
    assert opener.open(kind(dek + content)) == b"\x01x"
    for pair, failure in ((b"x", Failure.MAGIC), (dek[:3] + b"?" + dek[4:] + content, Failure.UNKNOWN_KEY)):
        with pytest.raises(DecryptionError) as caught:
            opener.open(kind(pair))
        assert caught.value.failure is failure


@pytest.mark.parametrize("found", ["123-45-6789", 5, object()])
def test_what_is_not_even_bytes_has_no_magic(found):
    """Such as the text of a column that was never encrypted; nothing of it is shown."""
    opener = Opener(DirectKeyring(StaticKey(KEY)), Reading(PLACE))
    with pytest.raises(DecryptionError) as caught:
        opener.reader(codec.decode_text)(found)
    assert caught.value.failure is Failure.MAGIC
    assert "123" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_fetched_key_of_another_length_is_no_data_key(length):
    """It would move the bounds of what is hashed."""
    _, content = sealed("x")
    opener = Opener(DirectKeyring(StaticKey(KEY)), Reading(PLACE))
    with pytest.raises(DecryptionError) as caught:
        opener.open(Unlocked(bytes(length), content))
    assert caught.value.failure is Failure.UNWRAP


def test_a_failure_leads_to_no_frame_that_held_a_key():
    """No context, no cause, and in the traceback's locals neither keys nor derived keys nor plaintext."""
    dek, content = sealed("canary-4111")
    opener = Opener(DirectKeyring(StaticKey(KEY)), Reading(PLACE))
    read = opener.reader(codec.decode_bytes)
    damaged = [dek[:-1] + b"?" + content, dek + content[:30] + b"?" + content[31:], dek + content[:-1]]
    for pair in (*damaged, dek + content):
        with pytest.raises(DecryptionError, match=r"patient\.ssn") as caught:
            read(pair)
        error = caught.value
        assert error.__context__ is None
        assert error.__cause__ is None
        stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        ours = [frame for frame in stack if "sqlalchemy_envelope" in frame.filename]
        assert [frame.name for frame in ours] == ["read_pair"]
        assert "canary" not in str(ours[0].locals)


def test_secrets_have_a_blank_repr():
    """Wherever a log prints one."""
    key = b"canary-canary-canary-canary-4111"
    secrets = [
        cipher.DataKey(key, b""),
        cipher.DataKeys([key], [b""]),
        Unlocked(key, b""),
        UnlockedV2(key, b""),
        envelope(key),
        StaticKey(key),
        Opener(DirectKeyring(StaticKey(key)), Reading(PLACE)),
    ]
    for secret in secrets:
        assert "canary" not in f"{secret!r} {secret}"
        assert key.hex() not in f"{secret!r}"


def test_errors_survive_a_pickle():
    """A worker process hands them to its parent."""
    failed = DecryptionError(Failure.TAG, "patient.ssn")
    again = pickle.loads(pickle.dumps(failed))
    assert (again.failure, again.place, str(again)) == (Failure.TAG, "patient.ssn", str(failed))
    for retryable in (True, False):
        later = pickle.loads(pickle.dumps(KeyProviderError("patient.ssn: timed out", retryable=retryable)))
        assert (str(later), later.retryable) == ("patient.ssn: timed out", retryable)
