"""Each page of recipes is run as it stands: its blocks in order, in one namespace, on a database."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .fixtures.postgresql import Database
from .test_readme import BLOCK, KEY, LINK, ROOT

PAGES = sorted((ROOT / "docs" / "recipes").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_runs_and_leads_somewhere(
    page: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the assertions that it shows; its links are to files that are there."""
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    monkeypatch.setenv("DATABASE_URL", database.url("psycopg").render_as_string(hide_password=False))
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", KEY)
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    module = ModuleType(f"recipe_{page.stem}")  # where Pydantic looks names up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = vars(module)
    try:
        for block in BLOCK.finditer(text):
            above = text.count("\n", 0, block.start(1))
            exec(compile("\n" * above + block[1], str(page), "exec"), names)
    finally:
        if "engine" in names:
            names["engine"].dispose()
