"""Figures with what they should be: printed as they come, kept for a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .facts import machine

WIDTH = 66


def shown(value: float | None) -> str:
    """Two places, four where two would say nothing, none where they are noise or zeros."""
    if value is None:
        return "–"
    if abs(value) >= 1000 or (value == int(value) and abs(value) >= 10):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"


@dataclass(frozen=True)
class Figure:
    """One figure of one suite; `aim` is the most that it should be."""

    name: str
    value: float
    unit: str
    aim: float | None = None

    def line(self) -> str:
        """As it is printed."""
        line = f"  {self.name:<{WIDTH}} {shown(self.value):>9} {self.unit}"
        if self.aim is None:
            return line
        return f"{line}  (aim ≤ {self.aim:g}: {'met' if self.value <= self.aim else 'not met'})"


@dataclass(frozen=True)
class Table:
    """Figures of one unit by two things at once."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[float | None]]]

    def text(self) -> str:
        """As it is printed."""
        first = max(len(name) for name in (self.title, *(name for name, _ in self.rows)))
        widths = [max(9, len(column)) for column in self.columns]
        told = [(self.title, self.columns), *((name, list(map(shown, row))) for name, row in self.rows)]
        lines = []
        for name, cells in told:
            spaced = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            lines.append(f"  {name:<{first}}  {spaced}")
        return "\n".join(lines)


@dataclass
class Suite:
    """What one suite gave. `curves`: by picture and series, points of x (a number or a name) and y."""

    name: str
    parameters: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    curves: dict[str, dict[str, list[tuple[Any, float]]]] = field(default_factory=dict)


@dataclass
class Report:
    """The figures of a run. `facts`: what is known of the server beside the machine."""

    quick: bool
    facts: dict[str, str] = field(default_factory=dict)
    suites: dict[str, Suite] = field(default_factory=dict)

    def suite(self, name: str, parameters: str) -> None:
        """Begins a suite, with what it was measured on and with."""
        self._machine = machine() | self.facts
        facts = " · ".join(f"{key} {value}" for key, value in self._machine.items())
        print(f"\n{facts}\n{name}: {parameters}", flush=True)
        self._suite = self.suites[name] = Suite(name, parameters)

    def add(self, name: str, value: float, unit: str, aim: float | None = None) -> None:
        """A figure."""
        self._suite.figures.append(Figure(name, value, unit, aim))
        print(self._suite.figures[-1].line(), flush=True)

    def table(self, title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> None:
        """A table of figures; its title says the unit."""
        kept = Table(title, list(columns), [(name, list(values)) for name, values in rows.items()])
        self._suite.tables.append(kept)
        print(kept.text(), flush=True)

    def curve(self, picture: str, series: str, points: Sequence[tuple[Any, float]]) -> None:
        """What a picture shows; `charts` says how."""
        self._suite.curves.setdefault(picture, {})[series] = list(points)

    def note(self, text: str) -> None:
        """A word about the figures."""
        self._suite.notes.append(text)
        print(f"  {text}", flush=True)

    def write(self, folder: Path) -> None:
        """The suite that was begun last, as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        taken = datetime.now(UTC).date().isoformat()
        kept = {"taken": taken, "quick": self.quick, "machine": self._machine, **asdict(self._suite)}
        path = folder / f"{self._suite.name}.json"
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
