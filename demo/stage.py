"""What is shown, and the list of what was promised. Plain words where there is no terminal."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

WIDTH = 100
PLAIN, SECRET, GOOD, BAD = "green", "magenta", "green", "red"
"""Colours that read on dark and on light ground; none is needed to understand."""

E = TypeVar("E", bound=Exception)


class Stage:
    """One console; scenes with a number and one idea each; promises that hold or don't."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        self.console = Console(highlight=False)
        self.console.width = min(self.console.width, WIDTH) if self.console.is_terminal else WIDTH
        self.kept = 0
        self.broken: list[str] = []
        self._scenes = 0

    def scene(self, title: str, idea: str) -> None:
        """The next one."""
        self._scenes += 1
        self.console.print()
        heading = Text(f"{self._scenes}  {title} ", "bold")
        self.console.rule(heading, align="left", style="dim")
        self.console.print(idea, end="\n\n")

    def show(self, what: object) -> None:
        """A line, or a table and room below it."""
        self.console.print(what)
        if isinstance(what, Table):
            self.console.print()

    def note(self, words: str) -> None:
        """Something beside the point."""
        self.console.print(Text(words, "dim"), end="\n\n")

    def promise(self, words: str, held: bool) -> None:
        """Say whether it held, and remember."""
        mark = Text("✓", f"bold {GOOD}") if held else Text("✗ NOT SO:", f"bold {BAD}")
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(mark, words)
        self.console.print(line)
        if held:
            self.kept += 1
        else:
            self.broken.append(words)

    def table(self, *columns: str) -> Table:
        """An empty table with these headings."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold")
        return table

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on a terminal, nothing elsewhere; the yielded function moves it on."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        quiet = not self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=quiet) as bar:
            task = bar.add_task(words, total=total)
            yield lambda steps: bar.update(task, advance=steps)


def caught(kind: type[E], action: Callable[[], object]) -> E | None:
    """The error of that kind that an action raises; None if it raises none. Others pass."""
    try:
        action()
    except kind as error:
        return error
    return None


def shortened(cell: bytes | None, digits: int = 8) -> Text:
    """A cell as psql would print it, cut in the middle."""
    if cell is None:
        return Text("NULL", "dim")
    shown = cell.hex() if len(cell) <= digits else f"{cell[: digits // 2].hex()}…{cell[-digits // 4 :].hex()}"
    return Text.assemble((f"\\x{shown}", SECRET), (f" {len(cell)} B", "dim"))
