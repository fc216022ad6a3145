"""Padding: a stored length tells the bucket and nothing else, and what is padded comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import ConfigurationError, DecryptionError, Failure, InvalidValueError
from sqlalchemy_envelope.padding import MAX_PLAINTEXT_BYTES, Padding, unpadded

TAGGED = st.binary(min_size=1, max_size=300).map(lambda tagged: bytes((tagged[0] & 0x3F,)) + tagged[1:])
PADDINGS = st.builds(Padding, multiple=st.integers(16, 200)) | st.builds(
    Padding, least=st.sampled_from([16, 32, 64, 128])
)


@given(TAGGED, PADDINGS)
def test_what_is_padded_comes_back_from_a_bucket(tagged, padding):
    """Every bucket is a multiple or a power of two."""
    padded = padding.pad(tagged)
    assert unpadded(padded) == tagged
    assert len(padded) == padding.bucket(len(padded))
    assert len(padded) % (padding.multiple or padding.least) == 0


@given(st.binary(max_size=40))
def test_anything_is_a_value_or_a_failure_of_type(tagged):
    """And what comes back unpadded is what a padding could have padded."""
    try:
        came = unpadded(tagged)
    except DecryptionError as error:
        assert tagged[0] & 0x40
        assert error.failure is Failure.TYPE  # noqa: PT017 - what did not raise is judged below
    else:
        assert came == tagged or came[0] == tagged[0] ^ 0x40


def test_equal_buckets_tell_nothing():
    """From an empty text to the fullest one."""
    sizes = {len(Padding(multiple=64).pad(b"\x01" + b"x" * length)) for length in range(60)}
    assert sizes == {64}
    assert len(Padding(multiple=64).pad(b"\x01" + b"x" * 60)) == 128


def test_the_largest_value_leaves_room_for_its_length():
    """Four bytes less than without padding; its bucket ends where a cell does."""
    largest = bytes((1,)) + bytes(MAX_PLAINTEXT_BYTES - 5)
    assert len(Padding(least=16).pad(largest)) == MAX_PLAINTEXT_BYTES
    with pytest.raises(InvalidValueError, match="takes at most"):
        Padding(least=16).pad(largest + b"x")


WRONG = [{}, {"multiple": 15}, {"multiple": 64, "least": 64}, {"least": 48}, {"multiple": 1e3}]


@pytest.mark.parametrize("given_", WRONG)
def test_paddings_that_are_none(given_):
    """Neither, both, too small, no power of two, no whole number."""
    with pytest.raises(ConfigurationError, match="Padding"):
        Padding(**given_)
