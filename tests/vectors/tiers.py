"""Vectors of the tier between: a data key under a key-encryption key, and that key in cells of its own."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import reference as ref
from .reference import Names, Sample, fixed
from .samples import ARN, OTHER_ARN, PLACE, TENANT, TEXT, edit, kms_answer

Vector = dict[str, Any]
Kek = dict[str, Any]

KEY, OTHER_KEY = fixed("static key", 32), fixed("newer key", 32)
ID, OTHER_ID = fixed("tiers/uuid", 16), fixed("tiers/other uuid", 16)
BLOB = fixed("tiers/blob", 184)


def contexts() -> Iterator[Vector]:
    """What a key-encryption key is bound to."""
    for name, tenant in (("kek", None), ("kek-tenant", "acme"), ("kek-tenant-not-ascii", "Ä 名 🙂")):
        context = {"kek": ID.hex()} | ({} if tenant is None else {"tenant": tenant})
        told = {"name": f"context/{name}", "kind": "kek-context", "names": context}
        yield {**told, "encoded": encoded(ID, tenant).hex(), "encryption_context": sent(ID, tenant)}
    empty = {"name": "context/kek-empty-tenant", "kind": "kek-context", "failure": "context"}
    yield {**empty, "names": {"kek": ID.hex(), "tenant": ""}}


def opened() -> Iterator[Vector]:
    """Chains that open."""
    for name, place in (("", PLACE), ("-tenant", TENANT)):
        tenant, said = place.get("tenant"), "a tenant's key-encryption key" if name else "one of no tenant"
        under_static = value(place, [static_cell(tenant=tenant)], tenant)
        yield under_static.opens(f"kek-cell/static{name}", f"{said}, wrapped by a static key", TEXT[1:])
        by_kms = value(place, [kms_cell(ARN)], tenant, kms=[answer(tenant=tenant)])
        yield by_kms.opens(f"kek-cell/kms{name}", f"{said}, wrapped by AWS KMS", TEXT[1:])
    previous = value(PLACE, [static_cell()], static=[OTHER_KEY, KEY])
    yield previous.opens("kek-cell/previous", "wrapped by the second of two static keys", TEXT[1:])
    for name, cells in {
        "second": [kms_cell(OTHER_ARN), static_cell()],
        "first": [static_cell(), kms_cell(OTHER_ARN)],
        "first-altered": [edit(static_cell(), 80), kms_cell(ARN)],
        "first-malformed": [static_cell()[:-1], kms_cell(ARN)],
    }.items():
        sample = value(PLACE, cells, kms=[answer()])
        yield sample.opens(f"kek-cell/two-{name}", "wrapped twice, and one opens here", TEXT[1:])


def refused() -> Iterator[Vector]:
    """A cell of the key that does not give it."""
    unknown = {
        "static": ("a static key that was dropped", static_cell(OTHER_KEY)),
        "kms": ("a KMS key that is not allowed", kms_cell(OTHER_ARN)),
        "under-kek": ("a key-encryption key is never wrapped by another", static_cell(wrap=0x03)),
    }
    for name, (why, cell) in unknown.items():
        sample = value(PLACE, [cell], kms=[answer()])
        yield sample.fails(f"kek-cell/unknown-{name}", why, "unknown-key")
    for name, (why, cell) in _wrong_cells().items():
        yield value(PLACE, [cell], kms=[answer()]).fails(f"kek-cell/{name}", why, "unwrap")
    for name, (why, wrong) in _wrong_answers().items():
        sample = value(TENANT, [kms_cell(ARN)], "acme", kms=[wrong])
        yield sample.fails(f"kek-cell/kms-{name}", why, "unwrap")


def tenants() -> Iterator[Vector]:
    """A key that opens, and is not the key of this value's tenant."""
    rival = {**PLACE, "tenant": "rival"}
    for name, why, place, tenant in (
        ("another", "an authentic data key of one tenant under the key of another", rival, "acme"),
        ("none", "an authentic data key of a tenant under a key of none", TENANT, None),
        ("too-many", "an authentic data key of no tenant under a tenant's key", PLACE, "acme"),
    ):
        sample = value(place, [static_cell(tenant=tenant)], tenant)
        yield sample.fails(f"kek-cell/tenant-{name}", why, "unwrap")
    moved = value(rival, [static_cell(tenant="acme")], "rival")
    yield moved.fails(
        "kek-cell/tenant-renamed", "the store says another tenant than it was made for", "unwrap"
    )


def encoded(id_: bytes, tenant: str | None) -> bytes:
    """The key-encryption key's context in canonical bytes."""
    tail = (
        b"" if tenant is None else b"\x06tenant" + len(tenant.encode()).to_bytes(2, "big") + tenant.encode()
    )
    return bytes([1 if tenant is None else 2]) + b"\x03kek\x00\x10" + id_ + tail


def sent(id_: bytes, tenant: str | None) -> Names:
    """The same as KMS gets it."""
    names = {"sqlalchemy-envelope": "v3/kek", "kek": str(UUID(bytes=id_))}
    return names if tenant is None else {**names, "tenant": tenant}


def static_cell(
    key: bytes = KEY, id_: bytes = ID, tenant: str | None = None, wrap: int = 0x01, **wrong: bytes
) -> bytes:
    """The key-encryption key under a static key. `wrong`: context, inside."""
    head = ref.key_head(wrap, ref.static_id(key) if wrap == 1 else OTHER_ID, 60)
    context = wrong.get("context", encoded(id_, tenant))
    wrapping = ref.kdf(key, ref.LABEL + "wrap", head[2:3] + context)[:32]
    nonce, inside = fixed("tiers/nonce", 12), wrong.get("inside", fixed("tiers/kek", 32))
    return head + nonce + AESGCM(wrapping).encrypt(nonce, inside, head)


def kms_cell(arn: str) -> bytes:
    """The key-encryption key as a KMS key wraps it."""
    return ref.key_head(0x02, ref.kms_id(arn), len(BLOB)) + BLOB


def answer(tenant: str | None = None, returns: bytes | None = None, **names: str | None) -> dict[str, Any]:
    """What KMS decrypts that to, under which encryption context. `names` replace it, None drops one."""
    context = {**sent(ID, tenant), **{name.replace("_", "-"): value for name, value in names.items()}}
    kept = {name: value for name, value in context.items() if value is not None}
    return kms_answer(ARN, BLOB, kept, fixed("tiers/kek", 32) if returns is None else returns)


def value(
    place: Names,
    cells: list[bytes],
    tenant: str | None = None,
    static: list[bytes] | None = None,
    **keys: Any,
) -> Sample:
    """A value under the key, which lies in these cells and is said to be this tenant's."""
    data_key = fixed("tiers/data key", 32)
    nonce = fixed("tiers/data key nonce", 12)
    dek = ref.wrap_locally(0x03, ID, fixed("tiers/kek", 32), place, data_key, nonce)
    content = ref.seal(data_key, place, fixed("tiers/salt", 16), TEXT)
    kek: Kek = {"id": ID.hex(), **({} if tenant is None else {"tenant": tenant})}
    held = {"static": [key.hex() for key in static or [KEY]], **keys}
    return Sample(place, dek, content, {**held, "kek": [{**kek, "cells": [cell.hex() for cell in cells]}]})


def _wrong_cells() -> dict[str, tuple[str, bytes]]:
    cell = static_cell()
    altered = {"nonce": 21, "key": 33, "tag": 80}
    wrong = {name: (f"altered: {name}", edit(cell, at)) for name, at in altered.items()}
    return wrong | {
        "cut": ("a byte is missing", cell[:-1]),
        "long": ("a byte follows", cell + b"\0"),
        "version": ("of another version", edit(cell, 1, 0x04)),
        "other-key": ("the cell of another key-encryption key", static_cell(id_=OTHER_ID)),
        "other-tenant": ("the cell of a tenant's key", static_cell(tenant="acme")),
        "data-key": (
            "wrapped as a data key is",
            static_cell(context=ref.encode(ref.wrap_names(PLACE))),
        ),
    }


def _wrong_answers() -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "data-key-purpose": ("wrapped as a data key is", answer("acme", sqlalchemy_envelope="v3/data-key")),
        "no-purpose": ("wrapped for no purpose", answer("acme", sqlalchemy_envelope=None)),
        "other-key": ("wrapped as another key", answer("acme", kek=str(UUID(bytes=OTHER_ID)))),
        "upper-case": ("an id in capitals is another", answer("acme", kek=str(UUID(bytes=ID)).upper())),
        "other-tenant": ("wrapped for another tenant", answer("rival")),
        "no-tenant": ("wrapped for no tenant", answer()),
        "more": ("wrapped under one name more", answer("acme", table="patient")),
        "returns-31": ("decrypts to 31 bytes", answer("acme", returns=bytes(31))),
        "returns-33": ("decrypts to 33 bytes", answer("acme", returns=bytes(33))),
    }
