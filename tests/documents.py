"""A page of the documents, run as it stands: its Python in one namespace, on a database of the test's own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .fixtures.postgresql import Database

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY = "c3FsYWxjaGVteS1lbnZlbG9wZSByZWFkbWUga2V5ICE="

Names = dict[str, Any]


def blocks(page: Path) -> list[str]:
    """The Python of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@contextmanager
def running(
    page: Path, database: Database, monkeypatch: pytest.MonkeyPatch, names: Names, *, joined: bool = False
) -> Iterator[Names]:
    """What the blocks define, once all have run from top to bottom. An error has the line of the page.

    `joined`: some of them go on inside the one before.
    """
    monkeypatch.setenv("DATABASE_URL", database.url().render_as_string(hide_password=False))
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", KEY)
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    try:
        for source in _sources(page.read_text(encoding="utf-8"), joined):
            exec(compile(source, str(page), "exec"), names)
        yield names
    finally:
        if "engine" in names:
            names["engine"].dispose()


def _sources(text: str, joined: bool) -> list[str]:
    """Each block after as many empty lines as stand above it; or all in one, with empty lines between."""
    found = [(text.count("\n", 0, block.start(1)), block[1]) for block in BLOCK.finditer(text)]
    if not joined:
        return ["\n" * above + block for above, block in found]
    source = ""
    for above, block in found:
        source += "\n" * (above - source.count("\n")) + block
    return [source]
