"""Vectors of version 3 that open."""

from collections.abc import Iterator
from typing import Any

from .reference import Names, Sample, fixed
from .samples import MRK_ARN, MRK_REPLICA, PLACE, TENANT, TEXT, kek, kms, static

Vector = dict[str, Any]

_PAYLOADS: dict[str, tuple[str, bytes]] = {
    "text": ("eleven characters", TEXT),
    "text-empty": ("an empty text is a value, not NULL", b"\x01"),
    "text-one": ("one byte", b"\x01x"),
    "text-utf8": ("two, three and four byte characters, and a NUL", "\x01é 名 🙂 \0".encode()),
    "text-bom": ("a leading byte order mark is part of the text", "\x01\ufefftext".encode()),
    "bytes": ("all 256 bytes", b"\x02" + bytes(range(256))),
    "bytes-empty": ("an empty byte string is a value, not NULL", b"\x02"),
    "bytes-not-utf8": ("bytes are not checked as text", b"\x02\xff\xfe"),
    "bytes-envelope": ("a value that looks like a content cell", b"\x02\xec\x03\x01" + fixed("looks", 80)),
    "large": ("20,000 bytes", b"\x02" + fixed("large", 20_000)),
}


def statics() -> Iterator[Vector]:
    """Under static keys."""
    null = Sample(PLACE, None, None, {"static": [fixed("static key", 32).hex()]})
    yield null.opens("static/null", "both cells NULL are a NULL", None)
    for name, (why, plaintext) in _PAYLOADS.items():
        sample = static(f"static/{name}", plaintext=plaintext)
        yield sample.opens(f"static/{name}", why, plaintext[1:])
    yield static("static/tenant", TENANT).opens("static/tenant", "bound to a tenant: flag 0x10", TEXT[1:])
    names: Names = {"table": "Akte-Ä", "column": "名", "key": "🙂"}
    yield static("static/names", names).opens("static/names", "names that are not ASCII", TEXT[1:])
    keys = [fixed("newer key", 32).hex(), fixed("static key", 32).hex()]
    previous = static("static/previous").but(keys={"static": keys})
    yield previous.opens("static/previous", "the second of two keys, found by its id", TEXT[1:])


def shared() -> Iterator[Vector]:
    """Two columns of one row under one data key, as several columns may."""
    key = fixed("shared/data key", 32)
    for column in ("given", "family"):
        place = {"table": "patient", "column": column, "key": "name_dek"}
        sample = static("shared", place, b"\x01" + column.encode(), data_key=key)
        yield sample.opens(f"static/shared-{column}", "two columns share a data key", column.encode())


def others() -> Iterator[Vector]:
    """Under AWS KMS and under key-encryption keys."""
    yield kms("kms/text").opens("kms/text", "wrapped by AWS KMS", TEXT[1:])
    yield kms("kms/bytes", plaintext=b"\x02\0").opens("kms/bytes", "one zero byte", b"\0")
    tenant = kms("kms/tenant", TENANT)
    yield tenant.opens("kms/tenant", "the tenant is in the encryption context", TEXT[1:])
    for size in (1, 4096):
        sample = kms(f"kms/blob-{size}", blob=fixed(f"kms/blob-{size}", size))
        yield sample.opens(f"kms/blob-{size}", f"a wrapped key of {size} bytes", TEXT[1:])
    regional = kms("kms/multi-region", arn=MRK_ARN)
    yield regional.opens("kms/multi-region", "wrapped by a multi-Region key", TEXT[1:])
    replica = regional.but(keys={"kms": [{**regional.keys["kms"][0], "arn": MRK_REPLICA}]})
    yield replica.opens("kms/replica", "opened in another Region under the same id", TEXT[1:])
    yield kek("kek/text").opens("kek/text", "under a key-encryption key", TEXT[1:])
    yield kek("kek/tenant", TENANT).opens("kek/tenant", "under a tenant's key-encryption key", TEXT[1:])
