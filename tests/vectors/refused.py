"""Vectors of version 3 that are well formed and do not open: altered, moved, exchanged, or another's."""

from collections.abc import Iterator
from typing import Any

from . import reference as ref
from .reference import fixed
from .samples import ARN, MRK_ARN, OTHER_ARN, PLACE, TENANT, TEXT, edit, kek, kms, kms_answer, static

Vector = dict[str, Any]

BASE = static("refused")
_DEK, _CONTENT = BASE.dek or b"", BASE.content or b""
_KMS = kms("refused/kms")
_KEK = kek("refused/kek")
_SALT, _DATA_KEY = fixed("refused/salt", 16), fixed("refused/data key", 32)


def unknown_keys() -> Iterator[Vector]:
    """The wrapped key names a key that the reader does not hold."""
    for at, name in ((3, "first"), (10, "middle"), (18, "last")):
        why = f"the {name} byte of the key id altered"
        yield BASE.but(dek=edit(_DEK, at)).fails(f"unknown-key/static-id-{name}", why, "unknown-key")
    dropped = BASE.but(keys={"static": [fixed("newer key", 32).hex()]})
    yield dropped.fails("unknown-key/static-dropped", "the key was dropped from the list", "unknown-key")
    for wrap, name in ((0x02, "kms"), (0x03, "kek")):
        why = f"the wrap says {name}, under which this id is not known"
        sample = BASE.but(dek=edit(_DEK, 2, wrap))
        yield sample.fails(f"unknown-key/static-as-{name}", why, "unknown-key")
    why = "a static wrap, whose id is not known"
    as_static = _KEK.but(dek=edit(_KEK.dek or b"", 2, 0x01))
    yield as_static.fails("unknown-key/kek-as-static", why, "unknown-key")
    kek_edit = _KEK.but(dek=edit(_KEK.dek or b"", 3))
    yield kek_edit.fails("unknown-key/kek-id", "no key-encryption key with this UUID", "unknown-key")
    kms_edit = _KMS.but(dek=edit(_KMS.dek or b"", 18))
    yield kms_edit.fails("unknown-key/kms-id", "no KMS key with this id", "unknown-key")
    other = _KMS.but(keys={"kms": [{**_KMS.keys["kms"][0], "arn": OTHER_ARN}]})
    yield other.fails("unknown-key/kms-other", "wrapped by a KMS key that is not allowed", "unknown-key")
    region = _KMS.but(keys={"kms": [{**_KMS.keys["kms"][0], "arn": ARN.replace("central", "west")}]})
    yield region.fails("unknown-key/kms-region", "a single-Region key elsewhere is another", "unknown-key")
    mrk = kms("refused/mrk", arn=MRK_ARN)
    account = mrk.keys["kms"][0] | {"arn": MRK_ARN.replace("111122223333", "444455556666")}
    why = "a multi-Region key of another account is another"
    yield mrk.but(keys={"kms": [account]}).fails("unknown-key/kms-account", why, "unknown-key")


def wraps() -> Iterator[Vector]:
    """The data key does not unwrap."""
    places = ((21, "nonce-first"), (32, "nonce-last"), (33, "key-first"), (64, "key-last"), (65, "tag-first"))
    for at, name in (*places, (80, "tag-last")):
        why = f"altered: {name.replace('-', ', ')}"
        yield BASE.but(dek=edit(_DEK, at)).fails(f"unwrap/static-{name}", why, "unwrap")
        changed = _KEK.but(dek=edit(_KEK.dek or b"", at))
        yield changed.fails(f"unwrap/kek-{name}", why, "unwrap")
    tenants = {"static": static("refused/tenant", TENANT), "kms": kms("refused/kms-tenant", TENANT)}
    for kind, sample in {"static": BASE, "kms": _KMS, "kek": _KEK}.items():
        why = "wrapped for another table"
        yield sample.at(table="doctor").fails(f"unwrap/{kind}-table", why, "unwrap")
        why = "wrapped for another sibling column"
        yield sample.at(key="phone_dek").fails(f"unwrap/{kind}-key-name", why, "unwrap")
    for kind, sample in tenants.items():
        why = "wrapped for another tenant"
        yield sample.at(tenant="rival").fails(f"unwrap/{kind}-tenant", why, "unwrap")


def kms_wraps() -> Iterator[Vector]:
    """What a KMS answers, and what it does not."""
    for at, name in ((21, "first"), (100, "middle"), (204, "last")):
        changed = _KMS.but(dek=edit(_KMS.dek or b"", at))
        yield changed.fails(f"unwrap/kms-{name}", f"the {name} byte altered", "unwrap")
    for size in (0, 16, 31, 33, 64):
        sample = kms(f"refused/kms-{size}", returns=fixed("of another length", size))
        why = f"decrypts to {size} bytes, which is no data key"
        yield sample.fails(f"unwrap/kms-returns-{size}", why, "unwrap")
    blob, key = (_KMS.dek or b"")[21:], fixed("refused/kms/data key", 32)
    contexts = {
        "no-context": {},
        "no-purpose": ref.wrap_names(PLACE),
        "kek-purpose": {**ref.wrap_names(PLACE), "sqlalchemy-envelope": "v3/kek"},
        "with-column": {**ref.wrap_names(PLACE), "column": "ssn", "sqlalchemy-envelope": "v3/data-key"},
    }
    for name, context in contexts.items():
        sample = _KMS.but(keys={"kms": [kms_answer(ARN, blob, context, key)]})
        why = f"wrapped under another encryption context: {name.replace('-', ' ')}"
        yield sample.fails(f"unwrap/kms-{name}", why, "unwrap")


def commitments() -> Iterator[Vector]:
    """The content is not committed to this data key in this place."""
    for at, name in ((3, "salt-first"), (18, "salt-last"), (19, "first"), (34, "middle"), (50, "last")):
        why = f"altered: {name.replace('-', ', ')}"
        sample = BASE.but(content=edit(_CONTENT, at))
        yield sample.fails(f"commitment/{name}", why, "commitment")
    wrongs: dict[str, dict[str, Any]] = {
        "zero": {"commitment": bytes(32)},
        "half": {"commitment": _CONTENT[19:35] + bytes(16)},
        "key-half": {"commitment": ref.kdf(_DATA_KEY, ref.LABEL + "content", _info())[:32]},
        "wrap-label": {"commitment": ref.kdf(_DATA_KEY, ref.LABEL + "wrap", _info())[32:]},
        "no-flags": {"commitment": ref.kdf(_DATA_KEY, ref.LABEL + "content", _info()[1:])[32:]},
        "no-context": {"commitment": ref.kdf(_DATA_KEY, ref.LABEL + "content", _info()[:17])[32:]},
    }
    for name, wrong in wrongs.items():
        sample = static("refused", **wrong)
        yield sample.fails(f"commitment/is-{name}", f"the commitment is wrong: {name}", "commitment")


def moves() -> Iterator[Vector]:
    """Whole cells exchanged or moved: each is sound where it came from."""
    for kind, ours, theirs in (
        ("static", BASE, static("refused/other row", plaintext=b"\x01987-65-4321")),
        ("kms", _KMS, kms("refused/kms/other row", plaintext=b"\x01987-65-4321")),
        ("kek", _KEK, kek("refused/kek/other row", plaintext=b"\x01987-65-4321")),
    ):
        keys = {"kms": ours.keys["kms"] + theirs.keys["kms"]} if kind == "kms" else ours.keys
        sample = ours.but(dek=theirs.dek, keys=keys)
        why = "the wrapped key of another row of this column"
        yield sample.fails(f"commitment/{kind}-key-exchanged", why, "commitment")
        sample = ours.but(content=theirs.content, keys=keys)
        why = "the content of another row of this column"
        yield sample.fails(f"commitment/{kind}-content-exchanged", why, "commitment")
        why = "copied into another column with the same sibling"
        yield ours.at(column="phone").fails(f"commitment/{kind}-column", why, "commitment")
    tenantless = static("refused/flag", TENANT, context=ref.content_context(PLACE))
    why = "the flag says tenant, the context holds none"
    yield tenantless.fails("commitment/tenant-not-bound", why, "commitment")
    rival = static("refused/rival", TENANT, context=ref.content_context({**TENANT, "tenant": "rival"}))
    why = "the key is this tenant's, the content another's"
    yield rival.fails("commitment/tenant-other", why, "commitment")


def tags() -> Iterator[Vector]:
    """Committed to the right key, and altered or sealed otherwise."""
    ends = len(_CONTENT)
    for at, name in ((51, "first"), (62, "last"), (ends - 16, "tag-first"), (ends - 1, "tag-last")):
        why = f"altered: {name.replace('-', ', ')}"
        yield BASE.but(content=edit(_CONTENT, at)).fails(f"tag/{name}", why, "tag")
    for content, name, why in (
        (_CONTENT[:-1], "cut-1", "the last byte is missing"),
        (_CONTENT[:68], "cut-to-least", "cut to the least length there is"),
        (_CONTENT + b"\0", "more-1", "a byte follows"),
        (_CONTENT + _CONTENT, "twice", "the content twice"),
        (_CONTENT + _DEK + _CONTENT, "pair-after", "another pair follows"),
        (_CONTENT[:-16] + bytes(16), "zero", "the tag is zero"),
        (_CONTENT[:51] + fixed("refused/filling", len(_CONTENT) - 51), "random", "all ciphertext replaced"),
    ):
        yield BASE.but(content=content).fails(f"tag/{name}", why, "tag")
    head, context = _CONTENT[:19], ref.content_context(PLACE)
    wrongs: dict[str, dict[str, Any]] = {
        "nonce-one": {"nonce": bytes(11) + b"\x01"},
        "no-aad": {"aad": b""},
        "aad-no-head": {"aad": context},
        "aad-no-context": {"aad": head},
        "aad-commitment": {"aad": _CONTENT[:51] + context},
    }
    for name, wrong in wrongs.items():
        sample = static("refused", **wrong)
        yield sample.fails(f"tag/{name}", f"sealed otherwise: {name.replace('-', ' ')}", "tag")


def types() -> Iterator[Vector]:
    """Authentic, and not what the column holds."""
    for tag in (0x00, *range(0x03, 0x0E), 0x41, 0x42, 0x81, 0xFF):
        why = "reserved" if 0x03 <= tag <= 0x0C else "no such type"
        sample = static(f"refused/type-{tag:02x}", plaintext=bytes([tag]) + b"1").but(type="text")
        yield sample.fails(f"type/tag-{tag:02x}", why, "type")
    as_bytes = static("refused/as bytes").but(type="bytes")
    yield as_bytes.fails("type/text-as-bytes", "text in a column of bytes", "type")
    as_text = static("refused/as text", plaintext=b"\x02" + TEXT[1:]).but(type="text")
    yield as_text.fails("type/bytes-as-text", "bytes in a column of text", "type")
    for name, payload in {
        "ff": b"\xff",
        "lone-continuation": b"a\x80",
        "overlong": b"\xc0\x80",
        "surrogate": b"\xed\xa0\x80",
        "cut": b"\xe2\x82",
        "too-high": b"\xf4\x90\x80\x80",
        "latin-1": b"caf\xe9",
    }.items():
        sample = static(f"refused/utf8-{name}", plaintext=b"\x01" + payload)
        yield sample.fails(f"type/utf8-{name}", f"not UTF-8: {name.replace('-', ' ')}", "type")


def _info() -> bytes:
    return b"\x01" + _SALT + ref.content_context(PLACE)
