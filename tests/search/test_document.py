"""docs/search.md is run as it stands, its Python in one namespace."""

import re
from pathlib import Path
from typing import Any

import pytest

from ..fixtures.postgresql import Database

PAGE = Path(__file__).parent.parent.parent / "docs" / "search.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY = "c3FsYWxjaGVteS1lbnZlbG9wZSByZWFkbWUga2V5ICE="


def test_every_block_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, with the assertions that it shows: all but the first inside one session."""
    monkeypatch.setenv("DATABASE_URL", database.url().render_as_string(hide_password=False))
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", KEY)
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "search"}
    try:
        exec(compile("\n".join(blocks), str(PAGE), "exec"), names)
    finally:
        names["engine"].dispose()
    assert len(blocks) == 6
