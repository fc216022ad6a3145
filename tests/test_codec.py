"""Python values and their tagged bytes: strict, and silent about what they held."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import DecryptionError, Failure, InvalidValueError, codec
from sqlalchemy_envelope.wire import MAX_VALUE_BYTES

CANARY = "canary-4111"


@given(st.text())
def test_any_text_comes_back(text):
    """Decode after encode, whatever the characters."""
    assert codec.decode_text(codec.encode_text(text)) == text
    assert codec.decode_any(codec.encode_any(text)) == text.encode()


@given(st.binary())
def test_any_bytes_come_back(data):
    """Decode after encode; what only resembles bytes is refused."""
    assert codec.decode_bytes(codec.encode_bytes(data)) == data
    assert codec.decode_any(codec.encode_any(data)) == data
    for other in (bytearray(data), memoryview(data)):
        with pytest.raises(InvalidValueError, match="takes bytes, not"):
            codec.encode_bytes(other)


@given(st.binary())
def test_decoding_anything_is_a_value_or_a_failure_of_type(tagged):
    """One failure, and what decodes encodes again to the same bytes."""
    for decode, encode in (
        (codec.decode_text, codec.encode_text),
        (codec.decode_bytes, codec.encode_bytes),
    ):
        try:
            outcome: object = encode(decode(tagged))
        except DecryptionError as error:
            outcome = error.failure
        assert outcome in (Failure.TYPE, tagged)


@pytest.mark.parametrize("value", [b"bytes", 5, None, ["text"], CANARY.encode()])
def test_text_takes_only_str(value):
    """The refusal names the type and not the value."""
    with pytest.raises(InvalidValueError, match="takes str") as caught:
        codec.encode_text(value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", ["text", 5, None, [1], CANARY])
def test_bytes_take_only_bytes(value):
    """A number too, of which `bytes` would make as many zeros."""
    with pytest.raises(InvalidValueError, match="takes bytes") as caught:
        codec.encode_bytes(value)
    assert "canary" not in str(caught.value)


def test_a_value_over_256_mib_is_refused_before_it_is_sealed():
    """What would be stored and never open again."""
    with pytest.raises(InvalidValueError, match="at most 268,435,456 bytes"):
        codec.encode_bytes(bytes(MAX_VALUE_BYTES + 1))


@pytest.mark.parametrize("values", [[CANARY + "\ud800"], ["fine", 4111], [CANARY, b"4111"]])
def test_an_invalid_value_leaves_nothing_of_itself_behind_the_error(values):
    """Neither in the text, nor in a cause, nor in the locals of our frames."""
    with pytest.raises(InvalidValueError, match=r"patient\.ssn") as caught:
        codec.encode_all(codec.encode_text, values, "patient.ssn")
    assert_silent(caught.value)


@pytest.mark.parametrize("decode", [codec.decode_text, codec.decode_any])
@pytest.mark.parametrize("start", [b"\x01", b"\x09"])
def test_a_payload_of_another_type_leaves_nothing_of_itself_behind_the_error(decode, start):
    """`UnicodeDecodeError.object` would be the plaintext."""
    with pytest.raises(DecryptionError) as caught:
        decode(start + CANARY.encode() + b"\xff")
    assert_silent(caught.value)


def assert_silent(error):
    """No plaintext anywhere that a logger of exceptions looks."""
    assert error.__context__ is None
    assert error.__cause__ is None
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in shown.stack if "sqlalchemy_envelope" in frame.filename]
    assert ours
    assert "canary" not in f"{error!r} {error} {[frame.locals for frame in ours]}"
    assert "4111" not in f"{error!r} {error} {[frame.locals for frame in ours]}"


def test_nones_pass_by():
    """NULL is not a value to encode."""
    assert codec.encode_all(codec.encode_text, [None, "", None], "patient.ssn") == [None, b"\x01", None]
