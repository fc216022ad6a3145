"""Known answers: the key derivation, the encoding of contexts, the ids of keys."""

from collections.abc import Iterator
from typing import Any

from . import reference as ref
from .reference import LABEL, Names, fixed
from .samples import ARN, MRK_ARN, MRK_REPLICA, OTHER_ARN, PLACE, TENANT

Vector = dict[str, Any]


def derivations() -> Iterator[Vector]:
    """The one key derivation, around the block size of SHA-512 too."""
    infos = {
        "content": b"\x01" + fixed("kdf/salt", 16) + ref.content_context(PLACE),
        "wrap": b"\x01" + ref.encode(ref.wrap_names(PLACE)),
        "key-id": b"",
        "long-info": fixed("kdf/info", 300),
    }
    labels = {"long-info": "content"}
    for name, info in infos.items():
        key, label = fixed(f"kdf/{name}", 32), LABEL + labels.get(name, name)
        yield {
            "name": f"kdf/{name}",
            "kind": "kdf",
            "key": key.hex(),
            "label": label,
            "info": info.hex(),
            "derived": ref.kdf(key, label, info).hex(),
        }


def contexts() -> Iterator[Vector]:
    """Canonical bytes, and what has none."""
    good: dict[str, Names] = {
        "content": {"table": "patient", "column": "ssn"},
        "wrap": ref.wrap_names(PLACE),
        "content-tenant": {"tenant": "acme", "table": "patient", "column": "ssn"},
        "wrap-tenant": ref.wrap_names(TENANT),
        "not-ascii": {"table": "Krankenakte-Ä", "column": "naïve 名 🙂"},
    }
    bad: dict[str, Names] = {
        "unknown-name": {"table": "patient", "column": "ssn", "schema": "public"},
        "wrong-case": {"Table": "patient", "column": "ssn"},
        "empty-table": {"table": "", "column": "ssn"},
        "empty-column": {"table": "patient", "column": ""},
        "empty-key": {"table": "patient", "key": ""},
        "empty-tenant": {"table": "patient", "column": "ssn", "tenant": ""},
        "too-long": {"table": "t" * 65_536, "column": "ssn"},
        "too-long-in-bytes": {"table": "é" * 32_768, "column": "ssn"},
    }
    for name, names in good.items():
        encoded = ref.encode(names).hex()
        yield {"name": f"context/{name}", "kind": "context", "names": names, "encoded": encoded}
    for name, names in bad.items():
        yield {"name": f"context/{name}", "kind": "context", "names": names, "failure": "context"}


def key_ids() -> Iterator[Vector]:
    """Ids of static keys and of KMS keys; replicas of a multi-Region key share one."""
    for name in ("static key", "previous key"):
        key = fixed(name, 32)
        said = f"key-id/{name.replace(' ', '-')}"
        yield {"name": said, "kind": "static-key-id", "key": key.hex(), "id": ref.static_id(key).hex()}
    arns = {"kms": ARN, "kms-other": OTHER_ARN, "kms-multi-region": MRK_ARN, "kms-replica": MRK_REPLICA}
    for name, arn in arns.items():
        yield {"name": f"key-id/{name}", "kind": "kms-key-id", "arn": arn, "id": ref.kms_id(arn).hex()}
