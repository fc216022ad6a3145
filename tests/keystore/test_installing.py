"""The tables of keys and the record of moves share a schema, and may be installed at once, by anybody."""

import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import Engine

from sqlalchemy_envelope.backfill.record.schema import install as install_record
from sqlalchemy_envelope.keystore import install, installed_version
from sqlalchemy_envelope.keystore.schema import VERSION

from ..fixtures.postgresql import Database


def test_two_that_install_at_once_do_not_collide(database: Database, engine: Engine) -> None:
    """Neither does who comes second find half of it."""
    failed: list[Exception] = []
    together = threading.Barrier(2)

    def record() -> None:
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            together.wait()
            install_record(connection)

    def keys() -> None:
        with engine.begin() as connection:
            together.wait()
            install(connection)

    def tried(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - of a thread
            failed.append(error)

    for _ in range(5):
        threads = [threading.Thread(target=tried, args=[work]) for work in (record, keys)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with engine.begin() as connection:
            assert installed_version(connection) == VERSION
            connection.exec_driver_sql("DROP SCHEMA envelope CASCADE")
    assert failed == []
