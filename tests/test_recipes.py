"""Each page of recipes is run as it stands: its blocks in order, in one namespace, on a database."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from .documents import DOCS, blocks, running
from .fixtures.postgresql import Database
from .test_readme import LINK

PAGES = sorted((DOCS / "recipes").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_runs_and_leads_somewhere(
    page: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the assertions that it shows; its links are to files that are there."""
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    module = ModuleType(f"recipe_{page.stem}")  # where Pydantic looks names up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with running(page, database, monkeypatch, vars(module)):
        assert blocks(page) or page.stem == "README"
