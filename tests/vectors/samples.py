"""Whole values in their cells, one maker for each way of wrapping and each older version."""

from typing import Any

from . import reference as ref
from .reference import Names, Sample, fixed

PLACE: Names = {"table": "patient", "column": "ssn", "key": "ssn_dek"}
TENANT: Names = {**PLACE, "tenant": "acme"}
TEXT = b"\x01123-45-6789"
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_ARN = "arn:aws:kms:eu-central-1:111122223333:key/9876fedc-12ab-34cd-56ef-1234567890ab"
MRK_ARN = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
MRK_REPLICA = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"


def static(seed: str = "static", place: Names = PLACE, plaintext: bytes = TEXT, **wrong: Any) -> Sample:
    """A value whose data key a static key wraps. `wrong` goes to `reference.seal`."""
    key, data_key = fixed("static key", 32), wrong.pop("data_key", fixed(f"{seed}/data key", 32))
    salt, nonce = fixed(f"{seed}/salt", 16), fixed(f"{seed}/nonce", 12)
    dek = ref.wrap_locally(0x01, ref.static_id(key), key, place, data_key, nonce)
    made_from = {"data_key": data_key.hex(), "salt": salt.hex(), "nonce": nonce.hex()}
    content = ref.seal(data_key, place, salt, plaintext, **wrong)
    return Sample(place, dek, content, {"static": [key.hex()]}, made_from, type_of(plaintext))


def kek(seed: str = "kek", place: Names = PLACE, plaintext: bytes = TEXT) -> Sample:
    """A value whose data key a key-encryption key of the hierarchy wraps."""
    key, key_id, data_key = fixed("kek", 32), fixed("kek uuid", 16), fixed(f"{seed}/data key", 32)
    dek = ref.wrap_locally(0x03, key_id, key, place, data_key, fixed(f"{seed}/nonce", 12))
    content = ref.seal(data_key, place, fixed(f"{seed}/salt", 16), plaintext)
    keys = {"kek": [{"id": key_id.hex(), "key": key.hex()}]}
    return Sample(place, dek, content, keys, type=type_of(plaintext))


def kms(
    seed: str = "kms",
    place: Names = PLACE,
    plaintext: bytes = TEXT,
    blob: bytes | None = None,
    arn: str = ARN,
    returns: bytes | None = None,
) -> Sample:
    """A value whose data key AWS KMS wraps as `blob`. `returns`: what it decrypts to, if not the data key."""
    data_key = fixed(f"{seed}/data key", 32)
    blob = fixed(f"{seed}/blob", 184) if blob is None else blob
    dek = ref.key_head(0x02, ref.kms_id(arn), len(blob)) + blob
    content = ref.seal(data_key, place, fixed(f"{seed}/salt", 16), plaintext)
    sent = {**ref.wrap_names(place), "sqlalchemy-envelope": "v3/data-key"}
    answer = kms_answer(arn, blob, sent, data_key if returns is None else returns)
    return Sample(place, dek, content, {"kms": [answer]}, type=type_of(plaintext))


def kms_answer(arn: str, blob: bytes, context: Names, data_key: bytes) -> dict[str, Any]:
    """What a KMS decrypts, for whom and to what; it refuses everything else."""
    return {"arn": arn, "blob": blob.hex(), "encryption_context": context, "data_key": data_key.hex()}


def v2(seed: str = "v2", payload: bytes = TEXT[1:], type: str = "text", **wrong: Any) -> Sample:  # noqa: A002
    """A version 2 pair, split. `wrong`: blob, length, returns."""
    data_key = fixed(f"{seed}/data key", 32)
    blob = wrong.get("blob", fixed(f"{seed}/blob", 184))
    dek = b"\x02" + wrong.get("length", len(blob)).to_bytes(2, "big") + blob
    content = ref.seal_old(wrong.get("under", data_key), fixed(f"{seed}/nonce", 12), payload)
    answer = kms_answer(ARN, blob, {}, wrong.get("returns", data_key))
    return Sample(PLACE, dek, content, {"kms": [answer]}, type=type, accept=2)


def v1(seed: str = "v1", payload: bytes = TEXT[1:], type: str = "text", key: str = "static key") -> Sample:  # noqa: A002
    """A version 1 blob, which has no sibling."""
    content = ref.seal_old(fixed(key, 32), fixed(f"{seed}/nonce", 12), payload)
    return Sample(PLACE, None, content, {"static": [fixed("static key", 32).hex()]}, type=type, accept=1)


def unsplit(sample: Sample) -> Sample:
    """A version 2 pair as the one blob that it was."""
    return sample.but(dek=None, content=(sample.dek or b"") + (sample.content or b""))


def type_of(plaintext: bytes) -> str:
    """The type that the tag says, text where it says none."""
    return "bytes" if plaintext[:1] == b"\x02" else "text"


def edit(cell: bytes, at: int, value: int | None = None) -> bytes:
    """One byte replaced, or its lowest bit turned."""
    changed = bytearray(cell)
    changed[at] = changed[at] ^ 1 if value is None else value
    return bytes(changed)
