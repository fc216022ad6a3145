"""Sessions of our own do what they are for, whatever was set for the application's."""

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.errors import BackfillError

from ..fixtures.postgresql import Database
from .world import envelope

SETTINGS = {
    "isolation": ("default_transaction_isolation = 'serializable'",),
    "strings": ("standard_conforming_strings = off", "client_encoding = 'LATIN1'", "datestyle = 'German'"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_database_s_settings_are_for_others(database: Database, case: str) -> None:
    """There and back, of a column whose name not every encoding spells alike."""
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute('CREATE TABLE "größe" (id int PRIMARY KEY, "maß\\" text)'.encode())
        connection.execute(
            """INSERT INTO "größe" SELECT n, 'ü' || n FROM generate_series(1, 5000) n""".encode()
        )
        for setting in SETTINGS[case]:
            connection.execute(f"ALTER DATABASE {database.name} SET {setting}".encode())
        move = Move.plan("größe", "maß\\")
        whole.encrypt_column(place, move, envelope)
        whole.null_plaintext(place, move)
        whole.decrypt_column(place, move, envelope)
        wrong = """SELECT count(*) FROM "größe" WHERE "maß\\" IS DISTINCT FROM 'ü' || id"""
        assert connection.execute(wrong.encode()).fetchone() == (0,)


@pytest.mark.parametrize(
    "limit", ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
)
def test_no_limit_of_time_is_ours(database: Database, limit: str) -> None:
    """Counting a large table takes what it takes, and who holds a job waits."""
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute(f"ALTER DATABASE {database.name} SET {limit} = '1min'".encode())
    with place.connect("test") as connection:
        assert connection.execute(f"SHOW {limit}".encode()).fetchone() == ("0",)


def test_another_driver_s_url_is_read(database: Database) -> None:
    """An asynchronous engine's, say: asyncpg's `ssl` is libpq's `sslmode`."""
    query = {"ssl": "disable", "prepared_statement_cache_size": "0"}
    engine = create_async_engine(database.url("asyncpg").set(query=query))
    with Place.of(engine).connect("test") as connection:
        assert connection.info.get_parameters()["sslmode"] == "disable"


def test_what_ends_a_question_is_an_error_of_ours(database: Database) -> None:
    """In the server's words, without its details."""
    place = Place.of(database.url())
    with pytest.raises(BackfillError, match="terminating connection"), place.asked("test") as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_password_is_not_shown_wherever_it_stands_in_a_url() -> None:
    """Libpq takes it in the query too."""
    place = Place.of("postgresql://me:canary@/clinic?host=db.internal&password=canary&sslpassword=canary")
    assert str(place) == "postgresql+psycopg://me:***@/clinic?host=db.internal"
    assert "canary" not in repr(place)
