"""Where it is shown: results on stdout, progress and asides on stderr, nothing that a pipe would choke on."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from .redaction import one_line

PIPE_WIDTH = 200
"""Columns where there is no terminal: enough that no table is folded."""


def _stdout() -> Console:
    return _console(stderr=False)


def _stderr() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    # No markup: a table may be named [red].
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False, soft_wrap=True)


@dataclass(frozen=True)
class Terminal:
    """One command's two streams. `quiet`: only results; `as_json`: those as one JSON document."""

    quiet: bool = False
    as_json: bool = False
    out: Console = field(default_factory=_stdout)
    err: Console = field(default_factory=_stderr)

    @property
    def live(self) -> bool:
        """Whether a bar may move: somebody looks at stderr and did not ask for quiet."""
        return self.err.is_terminal and not self.quiet

    def say(self, words: str, style: str = "") -> None:
        """A line of the result."""
        self.out.print(Text(words, style))

    def tree(self, tree: Tree) -> None:
        """What hangs on what."""
        self.out.print(tree)

    def aside(self, words: str) -> None:
        """A line beside the result, for whoever looks on."""
        if not self.quiet:
            self.err.print(Text(words))

    def document(self, data: object) -> None:
        """The result for programs; times as in ISO 8601."""
        self.out.file.write(json.dumps(data, indent=2, default=_plain, ensure_ascii=False) + "\n")

    def table(self, headings: Iterable[str], rows: Iterable[Iterable[str]], right: str = "") -> None:
        """Rows under their headings; the headings in `right`, parted by blanks, are of numbers."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for heading in headings:
            table.add_column(heading, justify="right" if heading in right.split() else "left")
        for row in rows:
            table.add_row(*map(one_line, row))
        self.out.print(table)


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
