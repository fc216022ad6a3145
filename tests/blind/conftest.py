"""A database with the tables of keys, and envelopes on it."""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach
from sqlalchemy_envelope.keystore import install

from ..fixtures.postgresql import Database

KEY = os.urandom(32)


@pytest.fixture
def keys_engine(database: Database) -> Iterator[Engine]:
    """An engine on a database with the tables of keys."""
    engine = create_engine(database.url())
    with engine.begin() as connection:
        install(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def process(keys_engine: Engine) -> Callable[..., Envelope]:
    """Makes an envelope on that database, as another process would."""

    def made(**options: float) -> Envelope:
        envelope = Envelope(DirectKeyring(StaticKey(KEY), **options))  # type: ignore[arg-type]
        attach(create_engine(keys_engine.url), envelope)
        return envelope

    return made
