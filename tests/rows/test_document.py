"""docs/rows.md is run as it stands, its Python in one namespace."""

import re
from pathlib import Path
from typing import Any

import pytest

from ..fixtures.postgresql import Database

PAGE = Path(__file__).parent.parent.parent / "docs" / "rows.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY = "c3FsYWxjaGVteS1lbnZlbG9wZSByZWFkbWUga2V5ICE="


def test_every_block_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, with the assertions that it shows."""
    monkeypatch.setenv("DATABASE_URL", database.url().render_as_string(hide_password=False))
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", KEY)
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    names: dict[str, Any] = {"__name__": "rows"}
    try:
        for block in BLOCK.finditer(TEXT):
            above = TEXT.count("\n", 0, block.start(1))
            exec(compile("\n" * above + block[1], str(PAGE), "exec"), names)
    finally:
        names["engine"].dispose()
    assert len(BLOCK.findall(TEXT)) == 4
