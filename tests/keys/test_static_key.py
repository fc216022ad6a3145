"""StaticKey takes a key in several forms and refuses what only looks like one."""

import base64
import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import (
    ConfigurationError,
    DecryptionError,
    DirectKeyring,
    Envelope,
    Failure,
    StaticKey,
)
from sqlalchemy_envelope.providers.static import parse_key

KEY = bytes.fromhex("00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f")
URLSAFE = bytes([0xFB, 0xFF]) + KEY[2:]
STANDARD = base64.b64encode(KEY).decode()


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        KEY.hex(),
        KEY.hex().upper(),
        KEY.hex().encode(),
        STANDARD,
        STANDARD.rstrip("="),
        STANDARD.encode(),
        base64.urlsafe_b64encode(KEY),
        f"  {STANDARD}\n",
    ],
    ids=["raw", "hex", "HEX", "hex-bytes", "base64", "unpadded", "base64-bytes", "urlsafe", "blanks"],
)
def test_every_form_is_the_same_key(form: bytes | str) -> None:
    """Raw bytes, hexadecimal and base64 in either alphabet all mean the same 32 bytes."""
    assert parse_key(form) == KEY


def test_the_urlsafe_alphabet_is_read() -> None:
    """A key whose base64 has - and _ in it is the same as the one with + and /."""
    assert parse_key(base64.urlsafe_b64encode(URLSAFE).decode()) == URLSAFE
    assert parse_key(base64.b64encode(URLSAFE).decode()) == URLSAFE


def test_32_characters_of_text_are_the_key_itself() -> None:
    """The raw form works from an environment variable too."""
    assert parse_key("correct horse battery staple 42!") == b"correct horse battery staple 42!"


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        "",
        KEY[:31],
        KEY + b"x",
        KEY.hex()[:32],
        KEY.hex()[:63],
        KEY.hex()[:62] + "zz",
        STANDARD[:42],
        STANDARD[:20] + "!" + STANDARD[21:],
        STANDARD[:42] + "B=",
        STANDARD + "=",
        bytes(32),
        b"\xff" * 32,
        "00" * 32,
        base64.b64encode(b"a" * 32),
        12,
        None,
        bytearray(KEY),
    ],
)
def test_what_is_no_key_is_refused(bad: object) -> None:
    """A wrong length, a wrong alphabet, damaged base64, 16 bytes in hexadecimal, one byte over and over."""
    with pytest.raises(ConfigurationError) as caught:
        StaticKey(bad)  # type: ignore[arg-type]
    assert len(str(bad)) < 12 or str(bad) not in str(caught.value)


@given(st.binary(min_size=32, max_size=32).filter(lambda key: len(set(key)) > 1))
def test_every_32_bytes_come_back_from_every_form(key: bytes) -> None:
    """No form loses a bit."""
    forms: list[bytes | str] = [key, key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key)]
    assert {parse_key(form) for form in forms} == {key}


def test_a_previous_key_opens_and_does_not_wrap() -> None:
    """After a change of keys what the old one wrapped still opens; what is written is the new one's."""
    old, new = os.urandom(32), os.urandom(32)
    before = Envelope(DirectKeyring(StaticKey(old))).seal_many(["a"], "t.c")
    both = Envelope(DirectKeyring(StaticKey(new, previous=[old])))
    assert both.open_many(before, "t.c") == [b"a"]
    written = both.seal_many(["b"], "t.c")
    assert Envelope(DirectKeyring(StaticKey(new))).open_many(written, "t.c") == [b"b"]
    with pytest.raises(DecryptionError) as caught:
        Envelope(DirectKeyring(StaticKey(old))).open_many(written, "t.c")
    assert caught.value.failure is Failure.UNKNOWN_KEY


def test_previous_takes_a_list() -> None:
    """One key given where a list belongs would be taken for 32 keys of a byte."""
    with pytest.raises(ConfigurationError, match="list of keys"):
        StaticKey(KEY, previous=STANDARD)


def test_a_version_1_blob_opens_under_any_of_the_keys() -> None:
    """It names no key, so each is tried; with none that fits, its tag fails."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    old = os.urandom(32)
    blob = bytes(12) + AESGCM(old).encrypt(bytes(12), b"text", None)
    assert StaticKey(KEY, previous=[old]).open_v1(blob) == b"text"
    with pytest.raises(DecryptionError) as caught:
        StaticKey(KEY).open_v1(blob)
    assert caught.value.failure is Failure.TAG


def test_it_does_not_show_and_is_not_pickled() -> None:
    """Neither its repr nor a pickle of it holds a key."""
    assert KEY.hex() not in repr(StaticKey(KEY))
    assert STANDARD not in repr(StaticKey(KEY))
    assert repr(KEY)[2:-1] not in repr(StaticKey(KEY))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(StaticKey(KEY))
