"""Whether a provider's key may go: a KMS key be disabled, a static key be dropped from the configuration."""

from typing import Any

from ..backfill.postgres.database import Database
from ..backfill.status.status import columns
from ..errors import ConfigurationError
from ..providers.aws_kms import key_id_of
from ..wire import KEY_ID_BYTES, Wrap

STATIC = "static:"
ARN = "arn:"

_KEKS = """
SELECT count(*) FROM envelope.key
WHERE state <> 'destroyed'
AND EXISTS (SELECT FROM unnest(wrapped) AS w (cell) WHERE substr(cell, 3, 17) = %b)"""


def is_provider_key(name: str) -> bool:
    """Whether a name is one of a provider's key, as `key_name` says it: an ARN, or `static:` and an id."""
    return name.startswith((STATIC, ARN))


def refuse_while_used(source: Any, name: str) -> None:
    """Raises `ConfigurationError`, with counts, while anything in a database is wrapped under this key.

    `name`: as the provider's `key_name` says it, an ARN or `static:` and 32 hexadecimal digits. Looked for
    are data keys, key-encryption keys, and values of versions 1 and 2, which name no key. Every table with an
    encrypted column is scanned. Other databases, backups and writers that still have the key are not seen.
    """
    mark = _mark_of(name)
    with Database.of(source).asked("retire") as connection:
        held = [*_values(connection, mark), *_keks(connection, mark)]
    if held:
        raise ConfigurationError(f"{name} is in use: {', '.join(held)}; move them first (docs/rotation.md)")


def _mark_of(name: str) -> bytes:
    if name.startswith(ARN):
        return bytes([Wrap.AWS_KMS]) + key_id_of(name)
    try:
        id_ = bytes.fromhex(name.removeprefix(STATIC))
    except ValueError:
        id_ = b""
    if len(id_) != KEY_ID_BYTES:
        raise ConfigurationError("a static key is named static: and the 32 digits that status shows for it")
    return bytes([Wrap.STATIC]) + id_


def _values(connection: Any, mark: bytes) -> list[str]:
    """Values under the key, and those of which nobody knows, column by column."""
    held = []
    for each in columns(connection):
        place = f"{each.schema}.{each.table}.{each.column}"
        if each.rows is None:
            held.append(f"{place} (not readable by this role)")
        if number := each.keys.get(mark[1:].hex(), 0):
            held.append(f"{place} ({number:,})")
        older = 1 if mark[0] == Wrap.STATIC else 2
        if number := each.versions.get(older, 0):
            held.append(f"{place} ({number:,} of version {older}, which name no key)")
    return held


def _keks(connection: Any, mark: bytes) -> list[str]:
    known = connection.execute("SELECT to_regclass('envelope.key')").fetchone()
    if known is None or known[0] is None:
        return []
    (number,) = connection.execute(_KEKS, [mark]).fetchone() or (0,)
    return [f"{number:,} key-encryption keys"] if number else []
