"""Which store a keyring of tiers has that was given none: the database where its values lie."""

from collections.abc import Hashable

from sqlalchemy import Engine

from ..keyring.keyring import Keyring
from ..keyring.tiered import TieredKeyring
from .store import SqlKeyStore


def bind_store(keyring: Keyring, root: Engine) -> None:
    """Gives a `TieredKeyring` without a store this engine's database for one.

    Raises `ConfigurationError` where its keys would lie in another database than the values.
    """
    if isinstance(keyring, TieredKeyring):
        keyring.bind_store(lambda: SqlKeyStore(root), database_of(root))


def database_of(root: Engine) -> Hashable:
    """What tells its database from others: the engine itself, where a creator knows and the URL does not."""
    url = root.url
    host = url.host or url.query.get("host")
    return (host, url.port or 5432, url.database) if host or url.database else root
