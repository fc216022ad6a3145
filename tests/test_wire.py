"""The stored bytes: strict both ways, and nothing but declared errors whatever is read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlalchemy_envelope import DecryptionError, Failure, KeyProviderError
from sqlalchemy_envelope.wire import (
    MAX_CONTENT_BYTES,
    MIN_CONTENT_BYTES,
    ContentCell,
    KeyCell,
    Wrap,
    check_content,
    key_head,
    split_pair,
)

KEY_IDS = st.binary(min_size=16, max_size=16)
LOCAL = st.builds(
    KeyCell, st.sampled_from([Wrap.STATIC, Wrap.KEK]), KEY_IDS, st.binary(min_size=60, max_size=60)
)
REMOTE = st.builds(KeyCell, st.just(Wrap.AWS_KMS), KEY_IDS, st.binary(min_size=1, max_size=300))
KEY_CELLS = LOCAL | REMOTE
CONTENT_CELLS = st.builds(
    ContentCell,
    st.sampled_from([0x01, 0x11]),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=17, max_size=200),
)
HEADS = st.sampled_from([b"", b"\xec", b"\xec\x03", b"\xec\x03\x01", b"\xed", b"\xed\x03", b"\xed\x03\x01"])
LOOKALIKES = st.tuples(HEADS, st.binary(max_size=200)).map(b"".join)


@given(KEY_CELLS)
def test_a_key_cell_survives_packing_and_parsing(cell):
    """Parse after pack gives the same parts."""
    assert KeyCell.parse(cell.pack()) == cell


@given(CONTENT_CELLS)
def test_a_content_cell_survives_packing_and_parsing(cell):
    """Parse after pack gives the same parts, under the flags that it carries."""
    assert ContentCell.parse(cell.pack(), cell.flags) == cell


@given(LOOKALIKES | KEY_CELLS.map(KeyCell.pack) | CONTENT_CELLS.map(ContentCell.pack))
@example(b"")
def test_what_parses_packs_to_the_same_bytes_and_all_else_is_a_decryption_error(cell):
    """There is one way to write each cell, and one error for whatever is no cell."""
    for parse in (KeyCell.parse, ContentCell.parse):
        try:
            packed = parse(cell).pack()
        except DecryptionError:
            continue
        assert packed == cell


@given(KEY_CELLS, CONTENT_CELLS)
def test_a_pair_read_as_one_falls_apart_where_it_was_joined(key, content):
    """The wrapped key says its own length."""
    assert split_pair(key.pack() + content.pack()) == (key.pack(), content.pack())


@given(LOOKALIKES)
def test_splitting_anything_loses_no_byte_or_is_a_decryption_error(pair):
    """Both halves together are what was given, and neither is empty."""
    try:
        key, content = split_pair(pair)
    except DecryptionError:
        return
    assert key + content == pair
    assert key
    assert content


def test_a_content_may_hold_a_tag_byte_and_256_mib_and_no_more():
    """Both ends of the range, judged before anything is opened."""
    start = b"\xec\x03\x01"
    for length in (MIN_CONTENT_BYTES, MAX_CONTENT_BYTES):
        check_content(start + bytes(length - 3))
    for length in (MIN_CONTENT_BYTES - 1, MAX_CONTENT_BYTES + 1):
        with pytest.raises(DecryptionError) as caught:
            check_content(start + bytes(length - 3))
        assert caught.value.failure is Failure.LENGTH
    assert MAX_CONTENT_BYTES == 268_435_524


@pytest.mark.parametrize(
    ("wrap", "key_id", "length"),
    [
        (Wrap.STATIC, bytes(16), 59),
        (Wrap.KEK, bytes(16), 61),
        (Wrap.AWS_KMS, bytes(16), 0),
        (Wrap.AWS_KMS, bytes(16), 4097),
        (Wrap.STATIC, bytes(15), 60),
        (Wrap.STATIC, bytes(17), 60),
    ],
)
def test_no_cell_is_written_that_no_reader_would_take_back(wrap, key_id, length):
    """A provider that wraps to an impossible length fails at sealing, not for ever after."""
    with pytest.raises(KeyProviderError) as caught:
        key_head(wrap, key_id, length)
    assert not caught.value.retryable


def test_parsed_cells_say_nothing_of_themselves():
    """A repr in a log shows neither wrapped keys nor ciphertext."""
    key = KeyCell(Wrap.AWS_KMS, bytes(16), b"canary")
    content = ContentCell(0x01, bytes(16), bytes(32), b"canary")
    assert "canary" not in f"{key!r} {key} {content!r} {content}"
