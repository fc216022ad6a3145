"""The first key-encryption key of a tenant, made before its first value asks for one."""

import math
from typing import Any
from uuid import UUID

from ..backfill.postgres.database import Database
from ..errors import ConfigurationError
from ..keyring.custody import make_kek
from ..keyring.keyring import Keyring
from ..keyring.store import WrappedKek
from ..keyring.tiered import TieredKeyring
from ..keystore.store import SqlKeyStore

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


def create_kek(source: Any, keyring: Keyring, tenant: str | None = None) -> tuple[UUID, bool]:
    """A tenant's active key (None: for values of none), and whether it was made now, by one provider call.

    Of racing processes one makes it. `source`: the database of `envelope.key`, as an engine, a URL or a
    `Database`. Costs one of the key's 2^32 wraps.
    """
    if not isinstance(keyring, TieredKeyring):
        name = type(keyring).__name__
        raise ConfigurationError(f"a {name} has no key-encryption keys: use ENVELOPE_KEYRING=tiered")
    made: list[UUID] = []

    def make(id_: UUID) -> WrappedKek:
        made.append(id_)
        return make_kek(keyring.providers[0], id_, tenant)[1]

    store = SqlKeyStore(source.url if isinstance(source, Database) else source)
    row = store.reserve(tenant, 1, math.inf, make)
    return row.id, row.id in made
