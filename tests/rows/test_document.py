"""docs/rows.md is run as it stands."""

import pytest

from ..documents import DOCS, blocks, running
from ..fixtures.postgresql import Database

PAGE = DOCS / "rows.md"


def test_every_block_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, with the assertions that it shows."""
    with running(PAGE, database, monkeypatch, {"__name__": "rows"}):
        assert len(blocks(PAGE)) == 4
