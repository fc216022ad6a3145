"""docs/wire-format.md: every MUST has a vector that exists, and every vector a MUST that it shows."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from .vectors import generate

TEXT = (Path(__file__).parent.parent / "docs" / "wire-format.md").read_text("utf-8")
BLOCKS = re.split(r"\n\s*\n|\n(?=- )|\n(?=\|)", TEXT)
NAMES = [vector["name"] for file in generate.FILES for vector in generate.read(file)]


def references(text: str) -> list[str]:
    """The names and patterns of `[v: one, two/*]`."""
    return [name.strip() for group in re.findall(r"\[v: ([^\]]+)\]", text) for name in group.split(",")]


def demands() -> list[str]:
    """Each MUST with what follows it, up to the next or to the end of its block."""
    return ["MUST" + part for block in BLOCKS for part in block.split("MUST")[1:]]


def test_every_must_names_a_vector():
    """A demand that nothing shows is not a demand."""
    bare = [demand for demand in demands() if not references(demand)]
    assert not bare
    assert len(demands()) > 40


def test_every_named_vector_exists():
    """A name, or a pattern that at least one name fits."""
    gone = [
        name
        for name in references(TEXT)
        if name != "name" and not any(fnmatchcase(each, name) for each in NAMES)
    ]
    assert not gone


def test_every_vector_is_named_by_a_must():
    """What the vectors show is written down, beside the list of all failures, which names them by kind."""
    patterns = [name for demand in demands() for name in references(demand) if name not in WHOLE_KINDS]
    assert [name for name in NAMES if not any(fnmatchcase(name, pattern) for pattern in patterns)] == []


WHOLE_KINDS = {"lone/*", "magic/*", "version/*", "flags/*", "length/*", "unwrap/*", "type/*"}
