"""The figures of `python -m tests.keys.tiers`, on little data."""

import pytest
from sqlalchemy import Engine

from sqlalchemy_envelope.keystore import install

from ..fixtures.postgresql import Database
from . import figures
from .racing import race
from .selecting import select


@pytest.fixture
def keys(engine: Engine) -> Engine:
    """A database with the table of keys."""
    with engine.begin() as connection:
        install(connection)
    return engine


def test_a_cold_read_costs_a_call_a_tenant(keys: Engine) -> None:
    """Whatever the rows and threads, and one query."""
    told = figures.cold(keys, rows=210, tenants=7, threads=16)
    assert told == {"calls": 7, "queries": 1, "opened": 16 * 210}


def test_values_cost_a_call_a_tenant(keys: Engine) -> None:
    """And a reservation a block."""
    told = figures.inserts(keys, values=10_000, tenants=2, batch=200)
    assert told["calls"] == 2
    assert told["reservations"] == 2 * 3
    assert told["reserved"] == 2 * (1024 + 2048 + 4096)


def test_a_key_in_use_costs_a_call_in_fifty_minutes() -> None:
    """For no use of it does anyone wait."""
    told = figures.steady(tenants=3, seconds=7 * 3600.0)
    assert 3 * 7 <= told["calls"] - 3 <= 3 * 10
    assert told["queries"] <= 7 * 3600 / 150
    assert told["waits"] == 0


def test_processes_that_race_make_one_key(keys: Engine, database: Database) -> None:
    """And each opens what the others sealed."""
    told = race(database.url().render_as_string(hide_password=False), processes=3, rounds=4)
    assert told == {"made": 4, "keys": 4, "unwrapped": 4 * 2, "opened": 3 * 3 * 4}


def test_the_time_of_a_row_is_told(keys: Engine) -> None:
    """Its size is no threshold here."""
    assert "tiered" in select(keys, rows=20, rounds=1)
