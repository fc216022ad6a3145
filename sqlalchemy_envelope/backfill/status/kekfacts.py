"""One key-encryption key as the table `envelope.key` has it: its state, its times, and who wrapped it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from ... import wire
from ...errors import ConfigurationError, Failure
from ...keyring.store import KekState
from ...providers.aws_kms import key_id_of
from .cells import Head, wrap_of

_TABLE = "SELECT to_regclass('envelope.key'), to_regclass('envelope.key_receipt')"

_READABLE = (
    "SELECT has_schema_privilege('envelope', 'USAGE') AND has_table_privilege('envelope.key', 'SELECT')"
)

_NAMES = "SELECT DISTINCT unnest(wrapped_by) FROM envelope.key"

_ROW = f"""
SELECT id, tenant, purpose, state, wraps, wrapped_by,
    ARRAY(SELECT substr(cell, 1, {wire.KEY_HEAD_BYTES}) FROM unnest(wrapped) WITH ORDINALITY AS w (cell, n)
        ORDER BY n) AS heads,
    ARRAY(SELECT octet_length(cell) FROM unnest(wrapped) WITH ORDINALITY AS w (cell, n)
        ORDER BY n) AS lengths,
    extract(epoch FROM now() - created_at)::float8 AS age,
    created_at, deactivated_at, revoked_at, destroyed_at, rewrapped_at
FROM envelope.key WHERE id = %s"""

_RECEIPT = """
SELECT act, signed_off_by, reason, at FROM envelope.key_receipt WHERE key = %s ORDER BY id DESC LIMIT 1"""


@dataclass(frozen=True)
class Custodian:
    """A provider's wrap of a key: what people call the provider's key, and the cell's facts."""

    name: str
    wrap: str | None
    key_id: str | None
    stored: int


@dataclass(frozen=True)
class KekFacts:
    """A key-encryption key. `age` in seconds; `wraps` are reserved, of at most 2^32."""

    id: UUID
    tenant: str | None
    purpose: str
    state: KekState
    wraps: int
    custodians: tuple[Custodian, ...]
    age: float
    created_at: datetime
    deactivated_at: datetime | None
    revoked_at: datetime | None
    destroyed_at: datetime | None
    rewrapped_at: datetime | None
    receipt: str | None = None
    """Who last revoked, reinstated or destroyed it, and why."""


@dataclass(frozen=True)
class Found:
    """What the table says of a key: nothing where it has no such key, or this role may not read it."""

    key: KekFacts | None
    findings: tuple[str, ...] = ()


def find_kek(connection: "psycopg.Connection[Any]", key_id: bytes) -> Found:
    """The key that a data key names, and why what it wrapped doesn't open, if it doesn't."""
    id_ = UUID(bytes=key_id)
    if not has_table(connection):
        return Found(None, (f"there is no table envelope.key here, and its key is {id_} of that table",))
    if not _asked(connection, _READABLE):
        return Found(None, ("this role may not read envelope.key",))
    row = connection.cursor(row_factory=dict_row).execute(_ROW.encode(), [id_]).fetchone()
    if row is None:
        return Found(None, (f"envelope.key has no key {id_}: restored without it, or altered",))
    names, heads, lengths = (row.pop(name) for name in ("wrapped_by", "heads", "lengths"))
    cells = [Head(bytes(head), length) for head, length in zip(heads, lengths, strict=True)]
    custodians = tuple(map(_custodian, names, cells))
    state = KekState(row.pop("state"))
    key = KekFacts(**row, state=state, custodians=custodians, receipt=_receipt(connection, id_))
    return Found(key, (*_state(key), *_custody(custodians, cells)))


def has_table(connection: "psycopg.Connection[Any]") -> bool:
    """Whether keys were ever kept here."""
    return bool(_asked(connection, _TABLE))


def known_names(connection: "psycopg.Connection[Any]") -> set[str]:
    """What the providers' keys are called that wrapped any key here."""
    if not has_table(connection) or not _asked(connection, _READABLE):
        return set()
    return {name for (name,) in connection.execute(_NAMES)}


def name_of(key_id: str, names: Iterable[str]) -> str | None:
    """Which of these ARNs a key id stands for; it can't be reckoned back."""
    for name in names:
        try:
            if key_id_of(name).hex() == key_id:
                return name
        except ConfigurationError:  # another provider's key
            continue
    return None


def _asked(connection: "psycopg.Connection[Any]", question: str) -> Any:
    row = connection.execute(question.encode()).fetchone()
    return row[0] if row else None


def _custodian(name: str, head: Head) -> Custodian:
    facts, _ = wrap_of(head)
    if facts is None:
        return Custodian(name, None, None, head.length)
    return Custodian(name, facts.wrap, facts.key_id, head.length)


def _receipt(connection: "psycopg.Connection[Any]", id_: UUID) -> str | None:
    if not _asked(connection, "SELECT has_table_privilege('envelope.key_receipt', 'SELECT')"):
        return None
    row = connection.execute(_RECEIPT, [id_]).fetchone()
    return None if row is None else f"{row[0]} by {row[1]}, {row[3]:%Y-%m-%d %H:%M}: {row[2]}"


def _state(key: KekFacts) -> tuple[str, ...]:
    told = {
        KekState.REVOKED: f"its key-encryption key was revoked ({Failure.REVOKED})",
        KekState.DESTROYED: f"its key-encryption key was destroyed: it will never open ({Failure.SHREDDED})",
    }
    return (told[key.state],) if key.state in told else ()


def _custody(custodians: Sequence[Custodian], cells: Sequence[Head]) -> tuple[str, ...]:
    """What is wrong with the key's own cells: not of the form, or of another key than the row says."""
    wrong = []
    for each, cell in zip(custodians, cells, strict=True):
        _, failures = wrap_of(cell)
        wrong += [
            f"the key-encryption key's cell of {each.name} is broken ({failure})" for failure in failures
        ]
        if each.key_id is not None and _id_of(each) not in (None, each.key_id):
            wrong.append(f"the key-encryption key's cell is not of {each.name}: its row was altered")
    return tuple(wrong)


def _id_of(each: Custodian) -> str | None:
    """The id that goes with a name, where that says it."""
    if each.name.startswith("static:"):
        return each.name.removeprefix("static:")
    try:
        return key_id_of(each.name).hex()
    except ConfigurationError:
        return None
