"""Versions 1 and 2: split by their lengths, read only where a column accepts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import Context, DecryptionError, DirectKeyring, Failure, StaticKey, Version
from sqlalchemy_envelope.legacy import MAX_SEALED_BYTES, NO_SIBLING, check_sealed, split_v2
from sqlalchemy_envelope.opening import Opener, Reading, unlocked

from .vectors import samples
from .vectors.reading import open_pair
from .vectors.samples import PLACE, v1, v2

KEYRING = DirectKeyring(StaticKey(bytes(range(32))))


@given(st.binary(min_size=1, max_size=300), st.binary(min_size=28, max_size=100))
def test_a_version_2_blob_splits_after_its_wrapped_key(wrapped, sealed):
    """Its first three fields are the sibling's cell, the rest is the content's."""
    key = b"\x02" + len(wrapped).to_bytes(2, "big") + wrapped
    assert split_v2(key + sealed) == (key, sealed)


@given(st.binary(max_size=400) | st.binary(max_size=400).map(b"\x02".__add__))
def test_splitting_anything_is_whole_or_a_decryption_error(blob):
    """No other error, and no byte lost."""
    try:
        key, sealed = split_v2(blob)
    except DecryptionError:
        return
    assert key + sealed == blob
    assert check_sealed(sealed) == sealed


def test_an_older_content_holds_at_most_256_mib():
    """As version 3 does."""
    for sealed in (bytes(27), bytes(MAX_SEALED_BYTES + 1)):
        with pytest.raises(DecryptionError) as caught:
            check_sealed(sealed)
        assert caught.value.failure is Failure.LENGTH


@pytest.mark.parametrize("accept", [None, *Version])
def test_the_key_of_a_damaged_or_older_pair_is_not_asked_for(accept):
    """Fetching ahead leaves what needs no key, and what never opens, to the reader of the row."""
    opener = Opener(KEYRING, Reading(Context("patient", "ssn"), accept, b"\x01"))
    for pair in (
        b"",
        b"plaintext",
        b"\x02",
        NO_SIBLING,
        NO_SIBLING + bytes(28),
        b"\xed\x03",
        b"\xec\x03\x01",
    ):
        assert opener.locked([pair]) == [None]


def test_version_2_opens_the_same_with_its_key_fetched_ahead():
    """Unlocked pairs remember that nothing marks their content."""
    vector = v2("fetched ahead").opens("", "", b"")
    pair = bytes.fromhex(vector["dek"] + vector["content"])
    opener = Opener(KEYRING, Reading(Context(**PLACE), Version.V2, b"\x01"))
    for each in (pair, NO_SIBLING + pair):
        (locked,) = opener.locked([each]) or [None]
        assert locked is not None
        assert locked == (bytes.fromhex(vector["dek"]), bytes.fromhex(vector["content"]))
        ahead = unlocked(locked, bytes.fromhex(vector["keys"]["kms"][0]["data_key"]))
        assert opener.open(ahead) == b"\x01" + samples.TEXT[1:]


def test_version_1_binds_a_value_to_nothing():
    """What it does not stop, and why it is off by default: it opens in any accepting column."""
    vector = v1("any column").opens("", "", b"")
    moved = {**vector, "context": {"table": "other", "column": "other", "key": "other_dek"}}
    assert open_pair(moved) == open_pair(vector)
