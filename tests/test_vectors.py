"""The published vectors: each opens, or fails with its one name, through the library and a second reader."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from sqlalchemy_envelope import ConfigurationError, Context, DecryptionError, Failure, cipher, padding, wire
from sqlalchemy_envelope.context import KekContext, encode_context
from sqlalchemy_envelope.providers.aws_kms import key_id_of
from sqlalchemy_envelope.rows import encode_keys
from sqlalchemy_envelope.sealing import ToSeal

from .vectors import generate, reading

VECTORS: list[dict[str, Any]] = [vector for file in generate.FILES for vector in generate.read(file)]


def of(*kinds: str, where: Callable[[dict[str, Any]], bool] = bool) -> Any:
    """Runs a test once for each vector of these kinds."""
    chosen = [vector for vector in VECTORS if vector["kind"] in kinds and where(vector)]
    return pytest.mark.parametrize("vector", chosen, ids=[vector["name"] for vector in chosen])


def told(open_: Any, vector: dict[str, Any]) -> tuple[str, Any]:
    """What opening a vector came to."""
    try:
        return ("payload", reading.payload_of(open_(vector)))
    except DecryptionError as error:
        return ("failure", str(error.failure))


def expected(vector: dict[str, Any]) -> tuple[str, Any]:
    """What opening a vector should come to."""
    return ("failure", vector["failure"]) if "failure" in vector else ("payload", vector["payload"])


def readable_apart(vector: dict[str, Any]) -> bool:
    """Only a column accepts an older version, or holds one type and not the other."""
    return not vector["accept"] and vector["name"] not in {"type/text-as-bytes", "type/bytes-as-text"}


def readable_joined(vector: dict[str, Any]) -> bool:
    """Joining hides a NULL in SQL, and a moved boundary."""
    return vector.get("joined", True) and vector.get("payload", "") is not None


@of("open", where=readable_apart)
def test_both_cells_apart_come_to_what_the_vector_says(vector):
    """`open_many`, which judges each cell as a whole."""
    assert told(reading.open_cells, vector) == expected(vector)


@of("open", "open-pair", where=readable_joined)
def test_both_cells_joined_come_to_what_the_vector_says(vector):
    """A column's reader, fed as the reading SQL feeds it."""
    assert told(reading.open_pair, vector) == expected(vector)


@of("kdf")
def test_the_key_derivation_gives_the_known_answers(vector):
    """The library's KDF, `ConcatKDFHash` with SHA-512 and the vector agree."""
    key, info = bytes.fromhex(vector["key"]), bytes.fromhex(vector["info"])
    label = vector["label"]
    assert cipher.derive(key, label.removeprefix("sqlalchemy-envelope/v3/"), info).hex() == vector["derived"]
    other = ConcatKDFHash(SHA512(), 64, label.encode() + b"\0" + info).derive(key)
    assert other.hex() == vector["derived"]


@of("context")
def test_a_context_has_its_canonical_bytes_or_none(vector):
    """Encoding, and the refusal of unknown names and of empty and too long values."""
    names = {name: value.encode() for name, value in vector["names"].items()}
    if "failure" in vector:
        with pytest.raises(ConfigurationError):
            encode_context(names)
    else:
        assert encode_context(names).hex() == vector["encoded"]


@of("row")
def test_a_primary_key_has_its_bytes(vector):
    """By themselves, and in the content context, which has its tenant and its row."""
    row = encode_keys(reading.key_of(vector["key"]))
    assert row[2:].hex() == vector["row"]
    names = {name: value for name, value in vector["names"].items() if name != "row"}
    context = Context(**names, bind_row=True)
    assert (context.content + row + context.after_row).hex() == vector["encoded"]


@of("kek-context")
def test_a_key_encryption_keys_context_has_its_bytes_and_its_strings(vector):
    """For a static key, and for a KMS."""
    names = vector["names"]
    context = KekContext(UUID(names["kek"]), names.get("tenant"))
    if "failure" in vector:
        with pytest.raises(ConfigurationError):
            assert context.wrap
    else:
        assert context.wrap.hex() == vector["encoded"]
        assert context.encryption_context == vector["encryption_context"]


@of("static-key-id", "kms-key-id")
def test_keys_have_their_ids(vector):
    """Derived from a static key, or from the ARN of a KMS key."""
    made = cipher.key_id(bytes.fromhex(vector["key"])) if "key" in vector else key_id_of(vector["arn"])
    assert made.hex() == vector["id"]


@of("open", where=lambda vector: "made_from" in vector)
def test_sealing_with_the_same_randomness_writes_the_same_bytes(vector, monkeypatch):
    """What is written is what is specified, not only what is read."""
    data_key, salt, nonce = (
        bytes.fromhex(vector["made_from"][each]) for each in ("data_key", "salt", "nonce")
    )
    dek, content = bytes.fromhex(vector["dek"]), bytes.fromhex(vector["content"])
    context, row = reading.place_of(vector)
    key = next(key for key in map(bytes.fromhex, vector["keys"]["static"]) if cipher.key_id(key) == dek[3:19])
    monkeypatch.setattr(os, "urandom", {44: data_key + nonce, 16: salt}.__getitem__)
    made = cipher.key_generator(key, dek[: wire.KEY_HEAD_BYTES], context.wrap)(1)
    assert made.cells == [dek]
    tagged = reading.TAG[vector["type"]] + bytes.fromhex(vector["payload"])
    rows = None if row is None else [encode_keys(row)]
    contexts = ToSeal(context, [tagged], rows=rows).contexts()
    assert cipher.sealer(context.content, context.flags)([tagged], made.keys, contexts) == [content]


@of("plaintext")
def test_a_typed_value_has_one_form(vector):
    """What decodes is the value that the vector tells, and encodes to the same bytes."""
    encode, decode, tell = reading.PLAINTEXTS[vector["type"]]
    stored = bytes.fromhex(vector["tagged"])
    if "failure" in vector:
        with pytest.raises(DecryptionError) as caught:
            decode(padding.unpadded(stored))
        assert str(caught.value.failure) == vector["failure"]
    else:
        tagged = padding.unpadded(stored)
        value = decode(tagged)
        assert tell(value) == vector["value"]
        assert encode(value) == tagged
        assert padding.is_padded(stored) == ("padded" in vector["name"])


@of("index")
def test_an_indexed_value_has_its_cell(vector):
    """What equal values have in common, under the index's key."""
    if "failure" in vector:
        with pytest.raises(ConfigurationError if vector["failure"] == "context" else DecryptionError):
            reading.indexed(vector)
    else:
        cell = reading.indexed(vector)
        assert (None if cell is None else cell.hex()) == vector["cell"]


def test_there_are_many_vectors_and_four_in_five_are_failures():
    """At least 150, no name twice, each one success or one failure."""
    failures = sum("failure" in vector for vector in VECTORS)
    assert len(VECTORS) >= 150
    assert failures / len(VECTORS) >= 0.8
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


def test_every_failure_has_vectors():
    """Each name of the API, and none that the API does not have, but for states that no stored byte tells."""
    states = {Failure.REVOKED, Failure.SHREDDED}
    named = {
        vector["failure"] for vector in VECTORS if vector["kind"].startswith("open") and "failure" in vector
    }
    assert named == {str(failure) for failure in set(Failure) - states}


def test_generating_again_changes_nothing():
    """The generator is deterministic, and the files hold just what it makes."""
    for file, makers in generate.FILES.items():
        made = [vector for make in makers for vector in make()]
        published = generate.read(file)
        assert generate.merge(published, made) == published
        assert generate.render(published) == (generate.HERE / file).read_text("utf-8")


def test_a_published_vector_can_be_neither_changed_nor_dropped():
    """The generator refuses both; it only appends."""
    old, new = {"name": "old", "payload": ""}, {"name": "new", "payload": ""}
    assert generate.merge([old], [new, old]) == [old, new]
    for made in ([{**old, "payload": "00"}], [new], [old, old]):
        with pytest.raises(generate.ChangedVectorError):
            generate.merge([old], made)


def test_a_reader_in_another_language_agrees():
    """Node's built-in crypto, from docs/wire-format.md alone."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = Path(generate.HERE, "read.mjs")
    done = subprocess.run([node, script], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["vectors"] == len(VECTORS)
    assert counts["wrong"] == 0
