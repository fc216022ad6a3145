"""A provider's key may go once nothing is under it: no data key, no key-encryption key, no older value."""

import pytest
from sqlalchemy import create_engine

from sqlalchemy_envelope import Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope.errors import ConfigurationError
from sqlalchemy_envelope.keystore import SqlKeyStore, install
from sqlalchemy_envelope.rotation import reencrypt_column, refuse_while_used, rewrap_column, rewrap_keks

from .test_reencrypt import accept_version_1
from .world import NEW, OLD, World, after

NAME = StaticKey(OLD).key_name


def test_it_is_refused_until_everything_was_moved(world: World) -> None:
    """With counts, and what they are of."""
    engine = create_engine(world.database.url)
    with engine.begin() as connection:
        install(connection)
    store = SqlKeyStore(engine)
    world.fill(3, Envelope(TieredKeyring(StaticKey(OLD), store=store)), first=100)
    world.fill(5)
    with pytest.raises(ConfigurationError, match=r"public.patient.ssn \(5\), 1 key-encryption keys; move"):
        refuse_while_used(engine, NAME)
    rewrap_column(engine, after, "patient", "ssn", key=NAME.removeprefix("static:"))
    with pytest.raises(ConfigurationError, match="in use: 1 key-encryption keys"):
        refuse_while_used(engine, NAME)
    rewrap_keks(engine, TieredKeyring(StaticKey(NEW), opens=[StaticKey(OLD)], store=store))
    refuse_while_used(engine, NAME)
    engine.dispose()


def test_values_that_name_no_key_are_in_the_way(world: World) -> None:
    """Any static key may have sealed what is of version 1."""
    accept_version_1(world)
    with pytest.raises(ConfigurationError, match="1 of version 1"):
        refuse_while_used(world.database, NAME)
    reencrypt_column(world.database, after, "patient", "ssn", accept=1)
    refuse_while_used(world.database, NAME)


def test_rows_that_the_role_may_not_see_are_in_the_way(world: World) -> None:
    """None of them is counted, and each may be under the key."""
    world.fill(1)
    engine = create_engine(world.database.url)
    with engine.begin() as connection:
        install(connection)
    clerk = f"{engine.url.database}_clerk"
    world.execute(
        f"CREATE ROLE {clerk} LOGIN; GRANT USAGE ON SCHEMA envelope TO {clerk}; GRANT SELECT ON ALL TABLES"
        f" IN SCHEMA envelope, public TO {clerk}; ALTER TABLE patient ENABLE ROW LEVEL SECURITY"
    )
    with pytest.raises(ConfigurationError, match=r"public\.patient\.ssn \(not readable by this role\)"):
        refuse_while_used(engine.url.set(username=clerk), NAME)
    world.execute(f"DROP OWNED BY {clerk}; DROP ROLE {clerk}")
    engine.dispose()


@pytest.mark.parametrize("name", ["static:12", "static:" + "z" * 32, "arn:aws:kms:eu-central-1:1:alias/x"])
def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    """Rather than found unused."""
    with pytest.raises(ConfigurationError):
        refuse_while_used(world.database, name)
