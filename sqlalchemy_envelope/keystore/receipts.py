"""The record of who revoked, reinstated and destroyed which key, when, why, and what that affected."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..errors import ConfigurationError
from .failures import translating
from .rows import uuid_of

_COLUMNS = "id, key, tenant, act, signed_off_by, reason, database_role, at, CAST(rows_affected AS text)"

_WRITE = text(f"""
INSERT INTO envelope.key_receipt (key, tenant, act, signed_off_by, reason, rows_affected)
VALUES (CAST(:key AS uuid), CAST(:tenant AS text), CAST(:act AS text), CAST(:by AS text),
    CAST(:reason AS text), CAST(CAST(:rows AS text) AS jsonb))
RETURNING {_COLUMNS}""")

_READ = text(f"""
SELECT {_COLUMNS} FROM envelope.key_receipt
WHERE CAST(:key AS uuid) IS NULL OR key = CAST(:key AS uuid) ORDER BY id""")


class Act(StrEnum):
    """What was done to a key."""

    REVOKE = "revoke"
    REINSTATE = "reinstate"
    DESTROY = "destroy"


@dataclass(frozen=True)
class Receipt:
    """`by`: who signed it off, as they said; `database_role`: as the database saw it.

    `rows`: by `schema.table.column`, how many values the key had wrapped; counted where it was destroyed.
    """

    id: int
    key: UUID
    tenant: str | None
    act: Act
    by: str
    reason: str
    database_role: str
    at: datetime
    rows: Mapping[str, int]


@dataclass(frozen=True)
class SignOff:
    """Who answers for an act, and why. Raises `ConfigurationError` where either is blank."""

    by: str
    reason: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("by", "reason"):
            if not getattr(self, name).strip():
                raise ConfigurationError(
                    f"a key's receipt needs {name}=: it says who did what to which key, and why"
                )


def write(
    connection: Connection, key: Any, act: Act, signed: SignOff, rows: Mapping[str, int] | None = None
) -> Receipt:
    """Writes the receipt of an act on a row (`id`, `tenant`), in the connection's transaction."""
    values = {"key": key.id, "tenant": key.tenant, "act": act.value, "by": signed.by, "reason": signed.reason}
    affected = json.dumps(dict(rows or {}), sort_keys=True)
    return _receipt(connection.execute(_WRITE, values | {"rows": affected}).one())


def receipts(connection: Connection, key: UUID | None = None) -> Sequence[Receipt]:
    """The receipts of one key, or all, in the order in which they were written."""
    with translating():
        return [_receipt(row) for row in connection.execute(_READ, {"key": key})]


def _receipt(row: Any) -> Receipt:
    id_, key, tenant, act, by, reason, role, at, rows = row
    return Receipt(id_, uuid_of(key), tenant, Act(act), by, reason, role, at, json.loads(rows))
