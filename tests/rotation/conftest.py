"""A table of encrypted values for each test that asks."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ..fixtures.postgresql import Database
from .world import World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """`patient.ssn` in the test's own database, empty."""
    world = World.of(database.url().render_as_string(hide_password=False))
    with closing(world.connection):
        yield world
