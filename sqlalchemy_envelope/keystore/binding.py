"""Which store a keyring of tiers has that was given none: the database where its values lie."""

from collections.abc import Hashable

from sqlalchemy import Engine

from ..keyring.keyring import Keyring
from ..keyring.tiered import TieredKeyring
from .store import SqlKeyStore


def bind_store(keyring: Keyring, root: Engine) -> None:
    """Gives a `TieredKeyring` and the index keys of any keyring this engine's database for a store.

    Those that were given one keep it.
    Raises `ConfigurationError` where its keys would lie in another database than the values.
    """
    where = database_of(root)
    if isinstance(keyring, TieredKeyring):
        keyring.bind_store(lambda: SqlKeyStore(root), where)
    keyring.index_keys.bind_store(lambda: SqlKeyStore(root), where)


def database_of(root: Engine) -> Hashable:
    """What tells its database from others: the engine itself, where a creator knows and the URL does not."""
    url = root.url
    host = url.host or url.query.get("host")
    return (host, url.port or 5432, url.database) if host or url.database else root
