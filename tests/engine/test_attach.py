"""Attaching: one dialect, one envelope, and nothing stale after it is gone."""

import pytest
from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from sqlalchemy_envelope import (
    ConfigurationError,
    DecryptionError,
    DirectKeyring,
    Envelope,
    NotAttachedError,
    StaticKey,
    attach,
    detach,
)

from ..fixtures.postgresql import Database
from .conftest import Person

OTHER_KEY = bytes(range(1, 33))


def _store(engine: Engine, name: str) -> None:
    with Session(engine) as session:
        session.add(Person(name=name))
        session.commit()


def _names(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Person.name).order_by(Person.id)))


def test_attach_returns_the_engine_it_was_given(engine: Engine, static_envelope: Envelope) -> None:
    """So that it can wrap create_engine()."""
    assert attach(engine, static_envelope) is engine


@pytest.mark.usefixtures("schema")
def test_attaching_the_same_envelope_again_changes_nothing(engine: Engine, static_envelope: Envelope) -> None:
    """Values are sealed once, however often it was attached."""
    attach(attach(engine, static_envelope), static_envelope)
    _store(engine, "Ada")
    assert _names(engine) == ["Ada"]


def test_a_second_envelope_is_refused(engine: Engine, static_envelope: Envelope) -> None:
    """An engine can't seal under one and open under another."""
    attach(engine, static_envelope)
    with pytest.raises(ConfigurationError, match="detach"):
        attach(engine.execution_options(isolation_level="AUTOCOMMIT"), Envelope(static_envelope.keyring))


@pytest.mark.usefixtures("schema")
def test_engines_made_by_execution_options_share_it(engine: Engine, static_envelope: Envelope) -> None:
    """Whether they were made before or after."""
    before = engine.execution_options(isolation_level="AUTOCOMMIT")
    attach(before, static_envelope)
    after = engine.execution_options(logging_token="after")
    for each in (before, after, engine):
        _store(each, "Ada")
        assert set(_names(each)) == {"Ada"}


@pytest.mark.usefixtures("schema")
def test_a_connection_opened_before_takes_part(engine: Engine, static_envelope: Envelope) -> None:
    """Its next statement is sealed."""
    with engine.connect() as connection:
        attach(engine, static_envelope)
        connection.execute(insert(Person), {"name": "Ada"})
        assert connection.scalars(select(Person.name)).all() == ["Ada"]


@pytest.mark.usefixtures("schema")
def test_without_an_envelope_nothing_is_sent(engine: Engine) -> None:
    """Neither a write nor a read of an encrypted column."""
    with engine.connect() as connection:
        with pytest.raises(NotAttachedError, match=r"person\.name.*attach"):
            connection.execute(insert(Person), {"name": "Ada"})
        with pytest.raises(NotAttachedError, match=r"person\.name.*attach"):
            connection.execute(select(Person.name))
        assert connection.scalars(select(Person.id)).all() == []


@pytest.mark.usefixtures("schema")
def test_after_detach_it_is_as_before(engine: Engine, static_envelope: Envelope) -> None:
    """Also for statements that were compiled and cached while attached."""
    attach(engine, static_envelope)
    _store(engine, "Ada")
    assert _names(engine) == ["Ada"]
    detach(engine)
    detach(engine)
    with pytest.raises(NotAttachedError):
        _names(engine)
    with pytest.raises(NotAttachedError):
        _store(engine, "Bob")


@pytest.mark.usefixtures("schema")
def test_another_envelope_after_detach_opens_only_its_own(engine: Engine, static_envelope: Envelope) -> None:
    """A cached statement never meets the envelope that it was first run with."""
    attach(engine, static_envelope)
    _store(engine, "Ada")
    _names(engine)
    detach(engine)
    attach(engine, Envelope(DirectKeyring(StaticKey(OTHER_KEY))))
    with pytest.raises(DecryptionError, match=r"person\.name"):
        _names(engine)


@pytest.mark.usefixtures("schema")
def test_two_engines_with_two_envelopes_share_statements(
    database: Database, engine: Engine, static_envelope: Envelope
) -> None:
    """One statement object, run on both in turn, opens under each engine's own keys."""
    other = attach(create_engine(database.url("psycopg")), Envelope(DirectKeyring(StaticKey(OTHER_KEY))))
    attach(engine, static_envelope)
    write, read = insert(Person).values(name="Ada").returning(Person.id), select(Person.name)
    for each in (engine, other, engine, other):
        with each.begin() as connection:
            made = connection.scalar(write)
            assert connection.scalar(read.where(Person.id == made)) == "Ada"
    with other.connect() as connection, pytest.raises(DecryptionError):
        connection.execute(read).all()
    other.dispose()


def test_other_databases_and_drivers_are_refused(static_envelope: Envelope) -> None:
    """With the names of those that work."""
    with pytest.raises(ConfigurationError, match="psycopg 3 or asyncpg"):
        attach(create_engine("sqlite://"), static_envelope)


def test_what_is_no_engine_or_no_envelope_is_refused(engine: Engine, static_envelope: Envelope) -> None:
    """By name."""
    with pytest.raises(ConfigurationError, match="takes an Envelope, not StaticKey"):
        attach(engine, StaticKey(OTHER_KEY))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="not str"):
        attach("postgresql://", static_envelope)


def test_a_plugin_attaches_from_the_environment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """`create_engine(url, plugins=["envelope"])` is all."""
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", OTHER_KEY.hex())
    engine = create_engine(database.url("psycopg"), plugins=["envelope"])
    Person.metadata.create_all(engine)
    _store(engine, "Ada")
    assert _names(engine) == ["Ada"]
    engine.dispose()


async def test_an_async_engine_is_attached_by_its_own_name(
    async_engine: AsyncEngine, static_envelope: Envelope
) -> None:
    """No `.sync_engine` is needed, and `detach` takes it too."""
    assert attach(async_engine, static_envelope) is async_engine
    async with async_engine.begin() as connection:
        await connection.run_sync(Person.metadata.create_all)
        await connection.execute(insert(Person), [{"name": "Ada"}, {"name": "Bob"}])
        assert (await connection.scalars(select(Person.name).order_by(Person.id))).all() == ["Ada", "Bob"]
    detach(async_engine)
    async with async_engine.connect() as connection:
        with pytest.raises(NotAttachedError):
            await connection.execute(select(Person.name))
