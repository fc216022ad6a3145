"""Vectors of version 3 that a parser refuses: it needs no key for that."""

from collections.abc import Iterator
from typing import Any

from . import reference as ref
from .reference import Sample, fixed
from .samples import TENANT, edit, kek, kms, static

Vector = dict[str, Any]

BASE = static("malformed")
_DEK, _CONTENT = BASE.dek or b"", BASE.content or b""


def lone_cells() -> Iterator[Vector]:
    """One cell NULL: an error, never a NULL."""
    for name, sample in {"static": BASE, "kms": kms("malformed/kms")}.items():
        why = f"{name}: the wrapped key is NULL"
        yield sample.but(dek=None).fails(f"lone/{name}-content", why, "lone-cell")
        why = f"{name}: the content is NULL"
        yield sample.but(content=None).fails(f"lone/{name}-key", why, "lone-cell")
    kept = BASE.but(dek=None, content=b"plaintext")
    yield kept.but(joined=False).fails("lone/plaintext", "a plaintext beside a NULL", "lone-cell")


def first_bytes() -> Iterator[Vector]:
    """Byte 0, then byte 1, of each cell."""
    for value in (0x00, 0x02, 0x70, 0xEE, 0x6D):
        why = f"the wrapped key begins with {value:02x}"
        yield BASE.but(dek=edit(_DEK, 0, value)).fails(f"magic/key-{value:02x}", why, "magic")
    for value in (0x00, 0x02, 0x70, 0xED, 0x6C):
        why = f"the content begins with {value:02x}"
        yield BASE.but(content=edit(_CONTENT, 0, value)).fails(f"magic/content-{value:02x}", why, "magic")
    split = BASE.but(joined=False)
    yield split.but(dek=_CONTENT, content=_DEK).fails("magic/swapped", "each in the other's column", "magic")
    yield split.but(dek=b"").fails("magic/key-empty", "an empty wrapped key is not NULL", "magic")
    yield split.but(content=b"").fails("magic/content-empty", "an empty content is not NULL", "magic")
    yield split.but(content=b"123-45-6789").fails("magic/plaintext", "a plaintext was written", "magic")
    for value in (0x00, 0x01, 0x02, 0x04, 0x83, 0xFF):
        why = f"version {value}"
        yield BASE.but(dek=edit(_DEK, 1, value)).fails(f"version/key-{value:02x}", why, "version")
        yield BASE.but(content=edit(_CONTENT, 1, value)).fails(f"version/content-{value:02x}", why, "version")


def third_bytes() -> Iterator[Vector]:
    """Byte 2: the wrap of one cell, the suite and flags of the other."""
    for value in (0x00, 0x04, 0x05, 0x11, 0x7F, 0x81, 0xFF):
        why = "reserved for a list of wraps" if value == 0x7F else f"no wrap {value:02x}"
        yield BASE.but(dek=edit(_DEK, 2, value)).fails(f"wrap/{value:02x}", why, "wrap")
    for value in (0x00, 0x02, 0x03, 0x0F, 0x12, 0x42):
        why = f"suite {value & 15} does not exist, whatever the flags"
        yield BASE.but(content=edit(_CONTENT, 2, value)).fails(f"suite/{value:02x}", why, "suite")
    whys = {0x11: "a tenant", 0x21: "a row", 0x31: "both", 0x41: "reserved: padded", 0x81: "reserved"}
    for value, why in whys.items():
        sample = BASE.but(content=edit(_CONTENT, 2, value))
        yield sample.fails(f"flags/{value:02x}", f"{why}, which the model does not expect", "flags")
    tenant = static("malformed/tenant", TENANT)
    for value, name in ((0x01, "missing"), (0x21, "row-instead"), (0x31, "row-too"), (0x51, "padded")):
        content = edit(tenant.content or b"", 2, value)
        why = f"a tenant is expected, byte 2 is {value:02x}"
        yield tenant.but(content=content).fails(f"flags/tenant-{name}", why, "flags")
    place = {name: value for name, value in TENANT.items() if name != "tenant"}
    why = "sealed for a tenant, read without one"
    yield tenant.but(place=place).fails("flags/tenant-unexpected", why, "flags")
    why = "sealed without a tenant, read with one"
    yield BASE.at(tenant="acme").fails("flags/tenant-expected", why, "flags")


def cut_cells() -> Iterator[Vector]:
    """Each cell cut at every edge of its fields and beside it."""
    split = BASE.but(joined=False)
    for at in (1, 2, 3, 10, 19, 20, 21, 22, 33, 65, 80):
        why = f"the wrapped key ends after {at} bytes"
        yield split.but(dek=_DEK[:at]).fails(f"length/key-cut-{at}", why, "length")
    for at in (1, 2, 3, 10, 18, 19, 20, 50, 51, 52, 66, 67):
        why = f"the content ends after {at} bytes"
        yield BASE.but(content=_CONTENT[:at]).fails(f"length/content-cut-{at}", why, "length")
    sealed_nothing = static("malformed/nothing", plaintext=b"")
    why = "authentic, but without even a tag byte"
    yield sealed_nothing.fails("length/content-no-tag-byte", why, "length")
    huge = BASE.but(content=_CONTENT[:51], joined=False)
    vector = huge.fails("length/content-too-long", "one byte more than 256 MiB hold", "length")
    yield {**vector, "content_zeros": 256 * 1024 * 1024 + 18}


def cut_pairs() -> Iterator[Vector]:
    """Both cells read as one and cut: what is left of the content is nothing, or too short."""
    whole = _DEK + _CONTENT
    for at in (1, 2, 3, 10, 19, 20, 21, 22, 33, 65, 80, 82, 83, 84, 99, 100, 132, 133, 148):
        yield _pair(f"length/pair-cut-{at}", f"the pair ends after {at} bytes", whole[:at], "length")
    yield _pair("lone/pair-cut-81", "the pair ends where the wrapped key does", _DEK, "lone-cell")
    yield _pair("lone/pair-content", "the pair begins with the content", _CONTENT, "lone-cell")
    yield _pair("magic/pair-before", "a byte before the pair", b"\0" + _DEK + _CONTENT, "magic")
    yield _pair("magic/pair-between", "a byte between the cells", _DEK + b"\0" + _CONTENT, "magic")
    yield _pair("magic/pair-keys", "two wrapped keys and no content", _DEK + _DEK, "magic")


def wrong_lengths() -> Iterator[Vector]:
    """What the length field says, and what is there."""
    for said, there in ((0, 0), (0, 60), (59, 59), (59, 60), (61, 61), (61, 60), (65_535, 60)):
        sample = BASE.but(dek=_with_length(BASE, said, there), joined=False)
        yield sample.fails(f"length/static-{said}-of-{there}", "a local wrap is 60 bytes", "length")
    for there in (59, 61):
        why = "the length field is right, the cell is not"
        sample = BASE.but(dek=_with_length(BASE, 60, there), joined=False)
        yield sample.fails(f"length/static-60-of-{there}", why, "length")
    for said, there in ((59, 59), (61, 61), (184, 184)):
        base = kek("malformed/kek")
        sample = base.but(dek=_with_length(base, said, there))
        yield sample.fails(f"length/kek-{said}-of-{there}", "a local wrap is 60 bytes", "length")
    possible = ((183, 184), (185, 184), (4_096, 4_095))
    for said, there in ((0, 0), (0, 184), *possible, (4_097, 4_097), (65_535, 65_535)):
        base = kms("malformed/kms")
        sample = base.but(dek=_with_length(base, said, there), joined=(said, there) not in possible)
        yield sample.fails(f"length/kms-{said}-of-{there}", "1 to 4,096 bytes, and no others", "length")


def moved_boundary() -> Iterator[Vector]:
    """Both cells together are right; only reading them apart shows it, as the CHECK constraint does."""
    split, pair = BASE.but(joined=False), _DEK + _CONTENT
    for at, name in ((80, "back-1"), (82, "on-1"), (21, "to-head"), (132, "into-content"), (149, "far")):
        why = f"the first cell has {at} bytes of the pair, not 81"
        sample = split.but(dek=pair[:at], content=pair[at:])
        yield sample.fails(f"length/boundary-{name}", why, "length")


def _with_length(sample: Sample, said: int, there: int) -> bytes:
    dek = sample.dek or b""
    body = (dek[21:] + fixed("filling", 65_535))[:there]
    return ref.key_head(dek[2], dek[3:19], said) + body


def _pair(name: str, why: str, pair: bytes, failure: str) -> Vector:
    vector = BASE.fails(name, why, failure)
    del vector["dek"], vector["content"], vector["joined"]
    return {**vector, "kind": "open-pair", "pair": pair.hex()}
