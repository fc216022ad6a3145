"""The store: what it keeps, what it makes once, and what it says when it can't."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from sqlalchemy_envelope import ConfigurationError, KeyProviderError
from sqlalchemy_envelope.keyring.store import MAX_WRAPS, KekState, WrappedKek
from sqlalchemy_envelope.keystore import SqlKeyStore, install, installed_version
from sqlalchemy_envelope.keystore.locks import lock_tenant
from sqlalchemy_envelope.keystore.schema import VERSION

from ..fixtures.child import free_port
from ..fixtures.postgresql import Database
from .conftest import made
from .racers import race

YEAR = 365 * 86_400.0


def test_a_key_is_kept_as_it_was_made(any_store: SqlKeyStore) -> None:
    """By every driver, id, tenant, cells and names come back."""
    row = any_store.reserve("acme", 10, YEAR, made("acme"))
    (found,) = any_store.find([row.id, uuid4()])
    assert (found.id, found.tenant, found.cells, found.names) == (row.id, "acme", row.cells, row.names)
    assert type(found.id) is UUID
    assert (found.state, found.wraps) == (KekState.ACTIVE, 10)
    assert 0 <= found.age < 60


def test_no_tenant_is_a_tenant_of_its_own(any_store: SqlKeyStore) -> None:
    """Values without one share a key, which is nobody else's."""
    without, acme = any_store.reserve(None, 1, YEAR, made()), any_store.reserve("acme", 1, YEAR, made("acme"))
    assert without.tenant is None
    assert without.id != acme.id
    assert [row.id for row in any_store.active([None])] == [without.id]
    assert {row.id for row in any_store.active()} == {without.id, acme.id}
    assert any_store.active([]) == any_store.find([]) == []


def test_wraps_are_counted_up(any_store: SqlKeyStore) -> None:
    """The second block comes from the same key, without a call."""
    asked: list[UUID] = []
    first = any_store.reserve(None, 1024, YEAR, made(made_for=asked))
    second = any_store.reserve(None, 2048, YEAR, made(made_for=asked))
    assert (first.id, second.wraps, len(asked)) == (second.id, 3072, 1)


def test_a_key_without_room_is_followed_by_the_next(store: SqlKeyStore) -> None:
    """2^32 is never passed."""
    first = store.reserve(None, MAX_WRAPS - 5, YEAR, made())
    assert store.reserve(None, 5, YEAR, made()).wraps == MAX_WRAPS
    second = store.reserve(None, 1, YEAR, made())
    assert second.id != first.id
    assert [row.state for row in store.find([first.id])] == [KekState.DEACTIVATED]


def test_an_old_key_is_followed_by_the_next(store: SqlKeyStore, keys_engine: Engine) -> None:
    """And still opens what it wrapped."""
    first = store.reserve(None, 1, 60.0, made())
    with keys_engine.begin() as connection:
        connection.execute(text("UPDATE envelope.key SET created_at = created_at - interval '61 seconds'"))
    second = store.reserve(None, 1, 60.0, made())
    assert second.id != first.id
    assert store.reserve(None, 1, 60.0, made()).id == second.id
    assert store.find([first.id])[0].state is KekState.DEACTIVATED


def test_a_key_that_is_not_made_leaves_everything_as_it_was(any_store: SqlKeyStore) -> None:
    """No row, and the one before stays active."""

    def broken(id_: UUID) -> WrappedKek:
        raise KeyProviderError("down", retryable=True)

    first = any_store.reserve(None, 1, YEAR, made())
    with pytest.raises(KeyProviderError, match=r"^down$"):
        any_store.reserve(None, 1, 0.0, broken)
    with pytest.raises(KeyProviderError, match=r"^down$"):
        any_store.reserve("new", 1, YEAR, broken)
    assert [row.id for row in any_store.active()] == [first.id]


def test_racing_threads_make_one_key(any_store: SqlKeyStore) -> None:
    """And each has its own block of it."""
    asked: list[UUID] = []
    rows = []
    threads = [
        threading.Thread(
            target=lambda: rows.append(any_store.reserve("t", 7, YEAR, made("t", made_for=asked)))
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert sorted(row.wraps for row in rows) == [7 * n for n in range(1, 13)]


def test_racing_processes_make_one_key(keys_database: Database) -> None:
    """Real ones, by two drivers."""
    urls = [keys_database.url(each).render_as_string(hide_password=False) for each in ("psycopg", "asyncpg")]
    assert race(urls, 4, 10) == (10, 10)


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT"])
def test_the_engines_isolation_level_does_not_matter(keys_database: Database, level: str) -> None:
    """Four stores race at the engine's level, and at the server's: one key."""
    engine = create_engine(keys_database.url(), isolation_level=level)
    if level != "AUTOCOMMIT":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            setting = f"default_transaction_isolation = '{level.lower()}'"
            connection.exec_driver_sql(f'ALTER DATABASE "{keys_database.name}" SET {setting}')
    asked: list[UUID] = []
    threads = [
        threading.Thread(target=SqlKeyStore(engine).reserve, args=("t", 1, YEAR, made("t", made_for=asked)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert [row.wraps for row in SqlKeyStore(engine).active()] == [6]
    engine.dispose()


def test_the_pool_of_the_application_is_left_alone(keys_database: Database) -> None:
    """Its one connection is taken, and the store works; it was never checked out."""
    engine = create_engine(
        keys_database.url(), poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=1
    )
    with engine.connect():
        SqlKeyStore(engine).reserve(None, 1, YEAR, made())
    engine.dispose()


def test_what_makes_the_applications_connections_makes_the_stores(keys_database: Database) -> None:
    """A password that a listener of do_connect sets, and what a listener of connect does."""
    engine = create_engine(keys_database.url().set(username="nobody-of-this-name"))
    seen = []

    @event.listens_for(engine, "do_connect")
    def token(dialect: object, record: object, arguments: object, parameters: dict[str, object]) -> None:
        parameters["user"] = keys_database.server.user

    store = SqlKeyStore(engine)
    event.listen(engine, "connect", lambda *_: seen.append(1))
    store.reserve(None, 1, YEAR, made())
    assert len(seen) == 1
    engine.dispose()


def test_at_most_two_connections_at_once(keys_engine: Engine) -> None:
    """However many threads ask."""
    now, most, lock, pair = 0, 0, threading.Lock(), threading.Barrier(2)
    store = SqlKeyStore(keys_engine)

    def slow(id_: UUID) -> WrappedKek:
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        pair.wait(30)
        with lock:
            now -= 1
        return made(threading.current_thread().name)(id_)

    names = [f"tenant {n}" for n in range(6)]
    threads = [
        threading.Thread(name=each, target=store.reserve, args=(each, 1, YEAR, slow)) for each in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_missing_table_is_told_with_its_remedy(database: Database) -> None:
    """By both drivers."""
    for driver in ("psycopg", "asyncpg"):
        with pytest.raises(ConfigurationError, match=r"op\.create_key_store\(\)"):
            SqlKeyStore(database.url(driver)).active()


def test_no_database_is_a_failure_to_try_again(keys_database: Database) -> None:
    """Nobody listens there, or nothing has that name."""
    for driver in ("psycopg", "asyncpg"):
        url = keys_database.url(driver)
        for wrong in (url.set(port=free_port()), url.set(database="no-such-database")):
            with pytest.raises(KeyProviderError, match=r"reached|not available") as failure:
                SqlKeyStore(wrong).active()
            assert failure.value.retryable


@contextmanager
def _role(engine: Engine, *grants: str) -> Iterator[str]:
    name = f"role_{uuid4().hex}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN")
        for grant in grants:
            connection.exec_driver_sql(f"GRANT {grant} TO {name}")
    yield name
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {name}")
        connection.exec_driver_sql(f"DROP ROLE {name}")


def test_missing_privileges_are_told(keys_engine: Engine, keys_database: Database) -> None:
    """A role that only reads may read, and is told what writing needs."""
    reads = ("USAGE ON SCHEMA envelope", "SELECT ON envelope.key")
    with _role(keys_engine, *reads) as name:
        for driver in ("psycopg", "asyncpg"):
            store = SqlKeyStore(keys_database.url(driver).set(username=name))
            assert store.active() == []
            with pytest.raises(ConfigurationError, match="INSERT and UPDATE"):
                store.reserve(None, 1, YEAR, made())


def test_a_read_only_database_is_told(keys_database: Database) -> None:
    """As a replica is one."""
    options = {"options": "-c default_transaction_read_only=on"}
    store = SqlKeyStore(create_engine(keys_database.url(), connect_args=options))
    assert store.active() == []
    with pytest.raises(ConfigurationError, match="read only"):
        store.reserve(None, 1, YEAR, made())


def test_a_tenant_whose_lock_is_held_is_tried_later(
    keys_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait has an end, and the message a reason."""
    from sqlalchemy_envelope.keystore import connections

    monkeypatch.setattr(connections, "_LIMITS", connections._LIMITS.bindparams(lock="50ms"))
    with keys_engine.begin() as connection:
        lock_tenant(connection, "acme")
        with pytest.raises(KeyProviderError, match="for too long") as failure:
            SqlKeyStore(keys_engine).reserve("acme", 1, YEAR, made("acme"))
    assert failure.value.retryable


def test_the_tables_are_found_by_version(database: Database) -> None:
    """None before, one after, and installing again changes nothing."""
    engine = create_engine(database.url())
    with engine.begin() as connection:
        assert installed_version(connection) is None
        install(connection)
        install(connection)
        assert installed_version(connection) == VERSION
    engine.dispose()


def test_a_connection_that_breaks_is_tried_later(store: SqlKeyStore, keys_engine: Engine) -> None:
    """A server that ends our session in the middle."""

    def killed(id_: UUID) -> WrappedKek:
        with keys_engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return made()(id_)

    with pytest.raises(KeyProviderError) as failure:
        store.reserve(None, 1, YEAR, killed)
    assert failure.value.retryable
    assert isinstance(failure.value.__cause__, OperationalError)
    assert store.active() == []


def test_a_store_shows_no_password() -> None:
    """Nor takes another database."""
    store = SqlKeyStore("postgresql+psycopg://me:secret@localhost/db")
    assert "secret" not in repr(store)
    for wrong in ("sqlite://", 7, create_engine("sqlite://")):
        with pytest.raises(ConfigurationError, match="a key store"):
            SqlKeyStore(wrong)


def test_no_log_shows_a_wrapped_key(keys_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Not at DEBUG either, where SQLAlchemy logs the rows that it reads, and parameters on request."""
    engine = create_engine(keys_database.url())
    with caplog.at_level(logging.DEBUG, logger="sqlalchemy"):
        store = SqlKeyStore(engine)
        cells = store.reserve("acme", 1, YEAR, made("acme")).cells
        assert store.active()[0].cells == cells
    engine.dispose()
    assert "FROM envelope.key" in caplog.text
    for cell in cells:
        assert repr(cell)[2:14] not in caplog.text
        assert cell[:6].hex() not in caplog.text
