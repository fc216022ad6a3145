"""A world of one move for each test that asks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from ..fixtures.postgresql import Database
from .world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(database: Database) -> Iterator[MakeWorld]:
    """Makes the table, the pair, the trigger and the record of a move, in the test's own database."""
    with ExitStack() as stack:

        def make(*given: object, **named: object) -> World:
            url = database.url().render_as_string(hide_password=False)
            world = World.of(url, *given, **named)  # type: ignore[arg-type]
            stack.enter_context(closing(world.connection))
            return world

        yield make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """The usual one: `customer.email` beside a bigint key, empty."""
    return make_world()
