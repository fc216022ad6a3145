"""Beside writers under both keys and readers, no row is wrong at any time; and it can fail."""

import pytest

from sqlalchemy_envelope.backfill.subject.kind import Kind

from .races import race
from .world import World


@pytest.mark.parametrize("kind", [Kind.REWRAP, Kind.REENCRYPT])
def test_no_value_is_wrong_or_unreadable_beside_writers(world: World, kind: Kind) -> None:
    """And in the end none is left under the old key, on two workers."""
    found = race(world, kind, 1_000, seed=1, workers=2)
    assert (found.wrong, found.unreadable, found.left) == (0, 0, 0)
    assert found.races > 0, "there was something to lose"
    assert min(found.company.writes, found.company.reads) > 50


@pytest.mark.parametrize("kind", [Kind.REWRAP, Kind.REENCRYPT])
def test_without_compare_and_set_values_are_lost(world: World, kind: Kind) -> None:
    """So the test above can fail."""
    assert race(world, kind, 1_000, seed=3, without="cas").wrong > 0
