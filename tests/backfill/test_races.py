"""Beside writers of every kind no row ends up wrong; and it can fail: without either safeguard some do."""

import pytest

from .races import race
from .world import World


@pytest.mark.parametrize("workers", [1, 2])
def test_no_row_is_wrong_beside_writers_of_every_kind(world: World, workers: int) -> None:
    """Dual, plaintext-only, slow, inserting and deleting ones, alive throughout."""
    result = race(world, 1_000, seed=workers, workers=workers)
    assert result.wrong == 0
    assert result.races > 0, "there was something to lose"
    assert result.writes > 100


@pytest.mark.parametrize("without", ["cas", "trigger"])
def test_without_a_safeguard_rows_are_wrong(world: World, without: str) -> None:
    """So the test above can fail."""
    assert race(world, 1_000, seed=3, without=without).wrong > 0
