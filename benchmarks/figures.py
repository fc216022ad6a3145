"""Figures with what they should be: printed as they come, kept for a file."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("sqlalchemy-envelope", "sqlalchemy", "cryptography", "psycopg", "asyncpg", "boto3")
_PEERS = ("sqlalchemy-utils", "tink", "aws-encryption-sdk")


def installed(package: str) -> str:
    """Its version, or that it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    processors = f"{platform.machine()}, {os.cpu_count()} processors"
    facts = {"python": platform.python_version(), "machine": processors}
    return facts | {package: installed(package) for package in (*_PACKAGES, *_PEERS)}


def shown(value: float) -> str:
    """Two places, or four where two would say nothing."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


@dataclass(frozen=True)
class Figure:
    """One figure of one suite; `aim` is the most that it should be."""

    suite: str
    name: str
    value: float
    unit: str
    aim: float | None = None

    def line(self) -> str:
        """As it is printed."""
        line = f"  {self.name:<66} {shown(self.value):>9} {self.unit}"
        if self.aim is None:
            return line
        return f"{line}  (aim ≤ {self.aim:g}: {'met' if self.value <= self.aim else 'not met'})"


@dataclass
class Report:
    """The figures of a run."""

    quick: bool
    figures: list[Figure] = field(default_factory=list)
    suites: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def suite(self, name: str, parameters: str) -> None:
        """Begins a suite, with what it was measured with."""
        self._print(f"\n{name}: {parameters}")
        self._suite = name
        self.suites[name] = parameters

    def add(self, name: str, value: float, unit: str, aim: float | None = None) -> None:
        """A figure."""
        self.figures.append(Figure(self._suite, name, value, unit, aim))
        self._print(self.figures[-1].line())

    def note(self, text: str) -> None:
        """A word about the figures."""
        self.notes.append((self._suite, text))
        self._print(f"  {text}")

    def write(self, path: Path) -> None:
        """The run as JSON."""
        run = {"machine": machine(), "quick": self.quick, "suites": self.suites, "notes": self.notes}
        run["figures"] = [asdict(each) for each in self.figures]
        path.write_text(json.dumps(run, indent=1) + "\n")

    def _print(self, line: str) -> None:
        print(line, flush=True)
