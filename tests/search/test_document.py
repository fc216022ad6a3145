"""docs/search.md is run as it stands."""

import pytest

from ..documents import DOCS, blocks, running
from ..fixtures.postgresql import Database

PAGE = DOCS / "search.md"


def test_every_block_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, with the assertions that it shows: all but the first inside one session."""
    with running(PAGE, database, monkeypatch, {"__name__": "search"}, joined=True):
        assert len(blocks(PAGE)) == 6
