"""Which stored key cells a keyring would wrap otherwise now, as SQL over the sibling column."""

from ...keyring.writing import Writing
from ...wire import KEY_MAGIC, VERSION, Wrap

CURRENT = f"'\\x{bytes((KEY_MAGIC, VERSION)).hex()}'::bytea"
"""How a key cell of version 3 begins."""

_SPENT = "SELECT {wrap} || uuid_send(id) FROM envelope.key WHERE state <> 'deactivated'"
"""Nothing is wrapped anew that is under an active key, nor what a revoked or destroyed one keeps shut."""


def is_current(dek: str) -> str:
    """That a cell is of version 3."""
    return f"substr({dek}, 1, 2) = {CURRENT}"


def is_stale(dek: str, writing: Writing) -> str:
    """That a cell of version 3 is not as the keyring writes them now."""
    mark = f"substr({dek}, 3, 17)"
    conditions = [is_current(dek)]
    if writing.marks:
        conditions.append(f"{mark} NOT IN ({', '.join(map(_literal, sorted(writing.marks)))})")
    if writing.active_keys:
        conditions.append(f"{mark} NOT IN ({_SPENT.format(wrap=_literal(bytes([Wrap.KEK])))})")
    return " AND ".join(conditions)


def is_under(dek: str, key_id: str) -> str:
    """That a cell of version 3 names this key id, 32 hexadecimal digits."""
    return f"{is_current(dek)} AND substr({dek}, 4, 16) = {_literal(bytes.fromhex(key_id))}"


def tenant_of_key(dek: str) -> str:
    """The tenant of the key-encryption key that wrapped a cell; NULL where none did, or it has no tenant."""
    under_kek = _literal(bytes((KEY_MAGIC, VERSION, Wrap.KEK)))
    id_ = f"encode(substr({dek}, 4, 16), 'hex')::uuid"
    tenant = f"(SELECT k.tenant FROM envelope.key AS k WHERE k.id = {id_})"
    return f"(CASE WHEN substr({dek}, 1, 3) = {under_kek} THEN {tenant} END)"


def _literal(value: bytes) -> str:
    return f"'\\x{value.hex()}'::bytea"
