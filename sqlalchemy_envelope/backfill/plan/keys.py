"""The envelope of a job: of the process that works, with its keys in the database that it works on."""

from collections.abc import Callable

from sqlalchemy import NullPool, create_engine

from ...envelope import Envelope
from ...keystore.binding import bind_store
from ..postgres.database import Database


def envelope_for(database: Database, make: Callable[[], Envelope]) -> Envelope:
    """What `make` makes, with this database for a store where it has none yet.

    Which index key is active it reads anew: else a job right after a change of that would have to wait.
    """
    envelope = make()
    bind_store(envelope.keyring, create_engine(database.url, poolclass=NullPool, hide_parameters=True))
    envelope.index_keys.purge_cache()
    return envelope
