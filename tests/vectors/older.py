"""Vectors of versions 2 and 1, which bind nothing: what an accepting column opens and still refuses."""

from collections.abc import Iterator
from typing import Any

from .reference import Sample, fixed
from .samples import TEXT, edit, static, unsplit, v1, v2

Vector = dict[str, Any]

_V2 = v2("older/v2")
_DEK2, _CONTENT2 = _V2.dek or b"", _V2.content or b""
_V1 = v1("older/first")
_BLOB1 = _V1.content or b""
_V3 = static("older/v3")


def second() -> Iterator[Vector]:
    """Version 2 that opens."""
    yield _V2.opens("v2/split", "split into its two cells", TEXT[1:])
    yield unsplit(_V2).opens("v2/unsplit", "one blob, the sibling is NULL", TEXT[1:])
    yield v2("older/v2 bytes", b"\xff\0", "bytes").opens("v2/bytes", "bytes by the model", b"\xff\0")
    yield unsplit(v2("older/v2 empty", b"")).opens("v2/empty", "an empty text", b"")
    both = _V3.but(accept=2)
    yield both.opens("v2/v3-too", "version 3 in a column that accepts version 2", TEXT[1:])


def second_malformed() -> Iterator[Vector]:
    """Version 2 in impossible lengths, or not of this version."""
    yield _V2.but(accept=None).fails("v2/split-not-accepted", "off by default", "magic")
    alone = unsplit(_V2).but(accept=None, joined=False)
    yield alone.fails("v2/unsplit-not-accepted", "off by default", "lone-cell")
    yield _V2.but(accept=1).fails("v2/accepts-v1", "another version is accepted", "magic")
    yield _V2.but(content=None).fails("v2/lone-key", "the content is NULL", "lone-cell")
    lone = _V3.but(dek=None, accept=2)
    yield lone.fails("v2/lone-v3-content", "a version 3 content without its wrapped key", "lone-cell")
    blob = _DEK2 + _CONTENT2
    for at in (1, 2, 3, 100, 186, 188, 199, 214):
        cut = unsplit(_V2).but(content=blob[:at])
        yield cut.fails(f"v2/cut-{at}", f"the blob ends after {at} bytes", "length")
    yield unsplit(_V2).but(content=_DEK2).fails("v2/cut-187", "nothing but the wrapped key", "lone-cell")
    for version in (0x00, 0x01, 0x03):
        other = unsplit(_V2).but(content=edit(blob, 0, version))
        yield other.fails(f"v2/version-{version:02x}", f"begins with {version:02x}", "version")
    none = v2("older/v2 none", blob=b"")
    yield none.fails("v2/no-key", "a wrapped key of no bytes", "length")
    much = v2("older/v2 much", blob=fixed("older/v2 much", 4_097))
    yield much.fails("v2/key-4097", "a wrapped key of 4,097 bytes", "length")
    huge = v2("older/v2 long", length=65_535)
    yield huge.fails("v2/key-beyond", "the length field points beyond the end", "length")


def second_refused() -> Iterator[Vector]:
    """Version 2 that is altered, or mixed with version 3."""
    for at, name in ((3, "first"), (186, "last")):
        sample = _V2.but(dek=edit(_DEK2, at))
        yield sample.fails(f"v2/key-{name}", f"the {name} byte of the wrapped key altered", "unwrap")
    for size in (0, 16, 33):
        sample = v2(f"older/v2 returns {size}", returns=fixed("older/other length", size))
        yield sample.fails(f"v2/returns-{size}", f"decrypts to {size} bytes, which is no data key", "unwrap")
    bound = [_V2.keys["kms"][0] | {"encryption_context": {"table": "patient"}}]
    why = "wrapped under an encryption context, which version 2 has not"
    yield _V2.but(keys={"kms": bound}).fails("v2/context", why, "unwrap")
    yield from _altered("v2", _V2, _CONTENT2)
    why = "a version 2 key beside a version 3 content: a pair never mixes versions"
    yield _V2.but(content=_V3.content).fails("v2/mixed-content", why, "tag")
    why = "a version 3 key beside a version 2 content"
    yield _V3.but(content=_CONTENT2, accept=2).fails("v2/mixed-key", why, "magic")
    bad = v2("older/v2 utf8", b"caf\xe9")
    yield bad.fails("v2/utf8", "text by the model, and not UTF-8", "type")


def first() -> Iterator[Vector]:
    """Version 1 that opens."""
    yield _V1.opens("v1/text", "a content without sibling", TEXT[1:])
    yield v1("older/v1 bytes", b"\xff\0", "bytes").opens("v1/bytes", "bytes by the model", b"\xff\0")
    yield v1("older/v1 empty", b"").opens("v1/empty", "an empty text", b"")
    keys = {"static": [fixed("newer key", 32).hex(), fixed("static key", 32).hex()]}
    yield _V1.but(keys=keys).opens("v1/previous", "it names no key, so each is tried", TEXT[1:])
    yield _V3.but(accept=1).opens("v1/v3-too", "version 3 in a column that accepts version 1", TEXT[1:])


def first_refused() -> Iterator[Vector]:
    """Version 1 that does not open."""
    yield _V1.but(accept=None, joined=False).fails("v1/not-accepted", "off by default", "lone-cell")
    for at in (0, 1, 11, 12, 27):
        cut = _V1.but(content=_BLOB1[:at])
        yield cut.fails(f"v1/cut-{at}", f"the blob ends after {at} bytes", "length")
    yield from _altered("v1", _V1, _BLOB1)
    other = v1("older/v1 other", key="newer key")
    yield other.fails("v1/other-key", "under a key that the reader does not hold", "tag")
    why = "version 2 in a column that accepts version 1"
    yield unsplit(_V2).but(accept=1, keys=_V1.keys).fails("v1/v2", why, "tag")
    why = "a version 3 content without its wrapped key, read as version 1"
    yield _V3.but(dek=None, accept=1).fails("v1/v3-content", why, "tag")
    why = "a version 1 content beside a version 3 key: a pair never mixes versions"
    yield _V3.but(content=_BLOB1, accept=1).fails("v1/mixed", why, "magic")
    yield v1("older/v1 utf8", b"caf\xe9").fails("v1/utf8", "text by the model, and not UTF-8", "type")


def _altered(version: str, sample: Sample, content: bytes) -> Iterator[Vector]:
    ends = len(content)
    nonce = ((0, "nonce-first"), (11, "nonce-last"))
    for at, name in (*nonce, (12, "first"), (ends - 17, "last"), (ends - 1, "tag-last")):
        changed = sample.but(content=edit(content, at))
        yield changed.fails(f"{version}/{name}", f"altered: {name.replace('-', ', ')}", "tag")
    yield sample.but(content=content[:-1]).fails(f"{version}/short", "the last byte is missing", "tag")
    yield sample.but(content=content + b"\0").fails(f"{version}/long", "a byte follows", "tag")
