"""A customer table that each test makes as it needs it."""

from collections.abc import Callable, Iterator

import pytest

from tests.fixtures.postgresql import Database

from .customer import Customer

Make = Callable[..., Customer]


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Makes the table, and closes its connection."""
    made: list[Customer] = []

    def make_one(**given: object) -> Customer:
        made.append(Customer(database, **given))  # type: ignore[arg-type]
        return made[-1]

    yield make_one
    for each in made:
        each.close()
