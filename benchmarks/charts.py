"""Which pictures there are, each drawn from the JSON that its suite left."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import techniques
from .pictures import Picture, Series

Draw = Callable[[Picture, Series], None]


@dataclass(frozen=True)
class Chart:
    """A picture of a suite: its title, and how its series are drawn."""

    suite: str
    title: str
    draw: Draw
    high: float = 4.6


def _backfill(picture: Picture, series: Series) -> None:
    floors = {techniques.CONSTANTS, techniques.IN_BATCHES}
    scripts = {techniques.ROW, techniques.MANY}
    names = {name for name, _ in series["rows"]}
    picture.ranked(series["rows"], "rows a second (grey: not this library)", names - floors - scripts)


CHARTS = {
    "rows": Chart(
        "rows",
        "One column of 36 bytes: time a row, all of SQLAlchemy and PostgreSQL included",
        lambda picture, series: picture.grouped(series, "µs a row (less is better)"),
    ),
    "growth": Chart(
        "rows",
        "A row costs the same among a million",
        lambda picture, series: picture.lines(series, "rows in the table", "µs a row"),
    ),
    "seal-seal": Chart(
        "seal",
        "Encrypting one value, no network",
        lambda picture, series: picture.lines(series, "bytes of the value", "µs (less is better)"),
        5.6,
    ),
    "seal-open": Chart(
        "seal",
        "Decrypting one value, no network",
        lambda picture, series: picture.lines(series, "bytes of the value", "µs (less is better)"),
        5.6,
    ),
    "kms-calls": Chart(
        "kms",
        "KMS calls to write rows and read them once",
        lambda picture, series: picture.lines(
            {f"sqlalchemy-envelope, {name}": points for name, points in series.items()},
            "rows, of one tenant, by one process",
            "KMS calls",
        ),
    ),
    "backfill": Chart("backfill", "Encrypting rows that are there, on a live table", _backfill, 5.0),
    "storage": Chart(
        "storage",
        "Bytes stored for one value",
        lambda picture, series: picture.lines(series, "bytes of the value", "bytes stored"),
        5.6,
    ),
}
"""By the name of the file."""


def draw(folder: Path, suites: Sequence[str] = ()) -> list[Path]:
    """Draws what the suites (all of those measured, if none is named) left in a folder, and says where."""
    drawn: list[Path] = []
    for name, chart, run in _measured(folder):
        if not suites or chart.suite in suites:
            picture = Picture(chart.title, facts(run), high=chart.high)
            chart.draw(picture, run["curves"][name])
            drawn += picture.save(folder, name)
    return drawn


def _measured(folder: Path) -> Iterator[tuple[str, Chart, dict[str, Any]]]:
    for name, chart in CHARTS.items():
        path = folder / f"{chart.suite}.json"
        if path.exists() and name in (run := json.loads(path.read_text()))["curves"]:
            yield name, chart, run


def facts(run: dict[str, Any]) -> str:
    """The small print under a picture."""
    known = run["machine"]
    told = [f"{name} {known[name]}" for name in ("postgresql", "python", "sqlalchemy") if name in known]
    told += [f"sqlalchemy-envelope {known['sqlalchemy-envelope']}", run["taken"]]
    quick = "QUICK RUN, SAYS NOTHING · " if run["quick"] else ""
    return f"{quick}{run['parameters']}\n{known['machine']} · {' · '.join(told)}"
