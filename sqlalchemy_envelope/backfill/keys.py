"""The envelope of a job: of the process that works, with its keys in the database that it works on."""

from collections.abc import Callable

from sqlalchemy import NullPool, create_engine

from ..envelope import Envelope
from ..keystore.binding import bind_store
from .database import Database


def envelope_for(database: Database, make: Callable[[], Envelope]) -> Envelope:
    """What `make` makes. A `TieredKeyring` that has no store yet is given this database for one."""
    envelope = make()
    bind_store(envelope.keyring, create_engine(database.url, poolclass=NullPool, hide_parameters=True))
    return envelope
