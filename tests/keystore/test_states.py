"""A key's way through its states: what is refused, what is recorded, what is gone."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.keyring.store import KekState
from sqlalchemy_envelope.keystore import SqlKeyStore
from sqlalchemy_envelope.keystore.listing import keys
from sqlalchemy_envelope.keystore.receipts import Act, receipts
from sqlalchemy_envelope.keystore.states import reinstate, retire, revoke, shred
from sqlalchemy_envelope.wire import KeyCell, Wrap

from ..fixtures.postgresql import Database, EmbeddedServer
from .conftest import made
from .patients import add, columns

YEAR = 365 * 86_400.0
WHY: Any = {"by": "ana@example.org", "reason": "ticket 7"}


def test_a_revoked_key_is_followed_by_another_and_may_come_back(
    store: SqlKeyStore, keys_engine: Engine
) -> None:
    """It never becomes active again."""
    key = store.reserve("acme", 1, YEAR, made("acme")).id
    with keys_engine.begin() as connection:
        receipt = revoke(connection, key, **WHY)
    assert (receipt.key, receipt.tenant, receipt.act, receipt.by) == (key, "acme", Act.REVOKE, WHY["by"])
    assert store.find([key])[0].state is KekState.REVOKED
    assert store.reserve("acme", 1, YEAR, made("acme")).id != key
    with keys_engine.begin() as connection:
        assert reinstate(connection, key, **WHY).act is Act.REINSTATE
        assert [each.act for each in receipts(connection, key)] == [Act.REVOKE, Act.REINSTATE]
        listed = {each.id: each for each in keys(connection, "acme")}
    assert store.find([key])[0].state is KekState.DEACTIVATED
    assert (listed[key].revoked_at, listed[key].wrapped_by) == (None, ("arn:one", "arn:two"))
    assert len(listed) == 2


def test_a_destroyed_key_leaves_its_id_and_a_receipt(store: SqlKeyStore, keys_engine: Engine) -> None:
    """Who, when, why, by which role, and how many values of which column."""
    key, other = (store.reserve(each, 1, YEAR, made(each)).id for each in ("acme", "other"))
    with keys_engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE patient (born date, {columns()})")
        add(connection, "patient", key, 5)
        add(connection, "patient", other, 2)
    with keys_engine.begin() as connection:
        (receipt,) = shred(connection, key, **WHY)
        role = connection.exec_driver_sql("SELECT session_user").scalar()
        facts = {each.id: each for each in keys(connection)}
    assert (receipt.rows, receipt.reason) == ({"public.patient.ssn": 5}, "ticket 7")
    assert receipt.database_role == role
    assert (facts[key].state, facts[key].wrapped_by) == (KekState.DESTROYED, ())
    assert facts[key].destroyed_at is not None
    (row,) = store.find([key])
    assert (row.state, row.cells) == (KekState.DESTROYED, ())
    assert store.find([other])[0].state is KekState.ACTIVE


def test_a_tenant_is_shredded_whole(store: SqlKeyStore, keys_engine: Engine) -> None:
    """All its keys, whatever their state; nobody else's; and a second time there is nothing left."""
    first = store.reserve("acme", 1, YEAR, made("acme")).id
    second = store.reserve("acme", 1, 0.0, made("acme")).id
    kept = store.reserve(None, 1, YEAR, made()).id
    with keys_engine.begin() as connection:
        revoke(connection, second, **WHY)
        assert {each.key for each in shred(connection, tenant="acme", **WHY)} == {first, second}
        with pytest.raises(ConfigurationError, match="'acme' has no key"):
            shred(connection, tenant="acme", **WHY)
    assert store.find([kept])[0].state is KekState.ACTIVE


def test_what_was_not_committed_was_not_done(store: SqlKeyStore, keys_engine: Engine) -> None:
    """The transaction is the caller's."""
    key = store.reserve(None, 1, YEAR, made()).id
    with keys_engine.connect() as connection:
        shred(connection, key, **WHY)
    assert store.find([key])[0].cells
    with keys_engine.connect() as connection:
        assert receipts(connection) == []


def test_a_step_from_the_wrong_state_is_refused(store: SqlKeyStore, keys_engine: Engine) -> None:
    """And so are an unknown key, a receipt that nobody signs, and a shred of everything or nothing."""
    key = store.reserve(None, 1, YEAR, made()).id
    with keys_engine.connect() as connection:
        for wrong in (
            lambda: reinstate(connection, key, **WHY),
            lambda: retire(connection, key),
            lambda: revoke(connection, uuid4(), **WHY),
            lambda: shred(connection, uuid4(), **WHY),
            lambda: shred(connection, **WHY),
            lambda: shred(connection, key, tenant="acme", **WHY),
            lambda: shred(connection, key, by=" ", reason="x"),
            lambda: revoke(connection, key, by="x", reason=""),
        ):
            with pytest.raises(ConfigurationError):
                wrong()
        shred(connection, key, **WHY)
        for wrong in (
            lambda: shred(connection, key, **WHY),
            lambda: revoke(connection, key, **WHY),
            lambda: reinstate(connection, key, **WHY),
        ):
            with pytest.raises(ConfigurationError, match="is destroyed, not"):
                wrong()


def _deactivated(store: SqlKeyStore, connection: Connection, seconds: int = 7200) -> UUID:
    key = store.reserve(None, 1, YEAR, made()).id
    store.reserve(None, 1, 0.0, made())
    ago = text("UPDATE envelope.key SET deactivated_at = now() - make_interval(secs => :ago) WHERE id = :id")
    connection.execute(ago, {"ago": seconds, "id": key})
    connection.commit()
    return key


def test_a_key_in_use_is_not_retired(store: SqlKeyStore, keys_engine: Engine) -> None:
    """The refusal names the columns and their counts; once nothing is left the key goes, with a receipt."""
    with keys_engine.connect() as connection:
        key = _deactivated(store, connection)
        connection.exec_driver_sql(f"CREATE TABLE patient (born date, {columns()})")
        add(connection, "patient", key, 3)
        connection.commit()
        with pytest.raises(ConfigurationError, match=r"public\.patient\.ssn \(3\)"):
            retire(connection, key)
        connection.rollback()
        connection.exec_driver_sql("TRUNCATE patient")
        assert retire(connection, key).act is Act.DESTROY
        connection.commit()
    assert store.find([key])[0].state is KekState.DESTROYED


def test_a_key_that_may_still_be_in_hand_is_not_retired(store: SqlKeyStore, keys_engine: Engine) -> None:
    """Deactivated just now; by an older snapshot; or beside a transaction that began before."""
    with keys_engine.connect() as connection:
        recent = _deactivated(store, connection, 60)
        with pytest.raises(ConfigurationError, match="wait for 3600"):
            retire(connection, recent)
        connection.rollback()
        with keys_engine.connect() as writer:
            writer.exec_driver_sql("SELECT pg_current_xact_id()")
            key = _deactivated(store, connection)
            retire(connection, key)  # deactivated two hours ago, which is before the writer
            connection.rollback()
            with pytest.raises(ConfigurationError, match="still writes"):
                retire(connection, key, grace=7200)
            connection.rollback()
    again = keys_engine.execution_options(isolation_level="REPEATABLE READ")
    with again.connect() as connection, pytest.raises(ConfigurationError, match="READ COMMITTED"):
        retire(connection, key)


def test_a_transaction_counts_from_when_it_is_looked_at(store: SqlKeyStore, keys_engine: Engine) -> None:
    """The caller's own may be open for long: a writer that began meanwhile had the key in hand too."""
    with keys_engine.connect() as connection:
        key = _deactivated(store, connection)
        idle = text(
            "SELECT CAST(extract(epoch FROM clock_timestamp() - deactivated_at) AS float8) FROM envelope.key"
            " WHERE id = :id"
        )
        connection.execute(idle, {"id": key})
        with keys_engine.connect() as writer:
            writer.exec_driver_sql("SELECT pg_current_xact_id()")
            grace = connection.execute(idle, {"id": key}).scalar_one()
            with pytest.raises(ConfigurationError, match="still writes"):
                retire(connection, key, grace=grace)


def test_who_does_not_see_others_transactions_retires_nothing(
    store: SqlKeyStore, keys_engine: Engine, keys_database: Database
) -> None:
    """A value that one of them has not committed yet would be lost."""
    name = f"{keys_database.name}_clerk"
    with keys_engine.connect() as connection, keys_engine.connect() as writer:
        writer.exec_driver_sql("SELECT pg_current_xact_id()")
        key = _deactivated(store, connection)
        for grant in (
            f"CREATE ROLE {name} LOGIN",
            f"GRANT USAGE ON SCHEMA envelope TO {name}",
            f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA envelope TO {name}",
        ):
            connection.exec_driver_sql(grant)
        connection.commit()
        engine = create_engine(keys_database.url().set(username=name))
        with engine.connect() as clerk, pytest.raises(ConfigurationError, match="pg_read_all_stats"):
            retire(clerk, key, grace=7200)
        engine.dispose()
        connection.exec_driver_sql(f"DROP OWNED BY {name}")
        connection.exec_driver_sql(f"DROP ROLE {name}")
        connection.commit()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_the_steps_run_under_an_event_loop(keys_database: Database, driver: str) -> None:
    """By `run_sync`, with either driver."""
    key = SqlKeyStore(create_engine(keys_database.url())).reserve("acme", 1, YEAR, made("acme")).id
    engine = create_async_engine(keys_database.url(driver))
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: revoke(sync, key, **WHY))
        await connection.run_sync(lambda sync: reinstate(sync, key, **WHY))
        await connection.run_sync(lambda sync: shred(sync, tenant="acme", **WHY))
        assert len(await connection.run_sync(lambda sync: receipts(sync, key))) == 3
        assert [each.id for each in await connection.run_sync(keys)] == [key]
    await engine.dispose()


def test_a_missing_table_is_told(database: Database) -> None:
    """With its remedy."""
    engine = create_engine(database.url())
    for ask in (keys, receipts, lambda each: revoke(each, uuid4(), **WHY)):
        with engine.connect() as connection, pytest.raises(ConfigurationError, match="create_key_store"):
            ask(connection)
    engine.dispose()


def test_vacuum_full_takes_the_last_copy_from_the_table(
    store: SqlKeyStore, keys_engine: Engine, embedded_server: EmbeddedServer
) -> None:
    """The row version that a shred leaves behind still holds the wrapped bytes until then."""
    row = store.reserve(None, 1, YEAR, made())
    with keys_engine.begin() as connection:
        shred(connection, row.id, **WHY)
    admin = keys_engine.execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:

        def stored() -> bool:
            connection.exec_driver_sql("CHECKPOINT")
            path = connection.exec_driver_sql("SELECT pg_relation_filepath('envelope.key')").scalar()
            return row.cells[0] in (embedded_server.data_directory / str(path)).read_bytes()

        assert stored()
        connection.exec_driver_sql("VACUUM FULL envelope.key")
        assert not stored()


def test_a_cell_names_its_key_in_network_order() -> None:
    """As SQL counts it."""
    key = uuid4()
    assert KeyCell(Wrap.KEK, key.bytes, bytes(60)).pack()[3:19] == key.bytes
