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


HIDDEN = {"sqlalchemy-envelope, reused", "sqlalchemy-utils Fernet"}
"""Which lie on another line."""


def _rows(picture: Picture, series: Series) -> None:
    picture.grouped(series, "µs a row (less is better)")


def _growth(picture: Picture, series: Series) -> None:
    picture.lines(series, "rows in the table", "µs a row (less is better)")


def _seal(picture: Picture, series: Series) -> None:
    shown = {name: points for name, points in series.items() if name not in HIDDEN}
    picture.lines(shown, "bytes of the value", "µs a value (less is better)")


def _calls(picture: Picture, series: Series) -> None:
    picture.lines(series, "rows of one tenant, 1,000 a statement, by one process", "KMS calls")


def _backfill(picture: Picture, series: Series) -> None:
    others = {techniques.CONSTANTS, techniques.IN_BATCHES, techniques.ROW, techniques.MANY}
    names = {name for name, _ in series["rows"]}
    told = "rows a second. Grey: not this library; constants: what the server alone needs to write as much"
    picture.ranked(series["rows"], told, names - others)


def _storage(picture: Picture, series: Series) -> None:
    more = {
        name: [(size, stored - size) for size, stored in points]
        for name, points in series.items()
        if name not in {*HIDDEN, "plaintext"}
    }
    picture.lines(more, "bytes of the value", "bytes stored beyond those of the value")


def _counts(picture: Picture, series: Series) -> None:
    picture.stacked(series, "thousand instructions a row")


CHARTS = {
    "rows": Chart("rows", "Time per row: one column of 36 bytes, through SQLAlchemy to PostgreSQL", _rows),
    "growth": Chart("rows", "Time per row as a table grows to a million", _growth),
    "seal-seal": Chart("seal", "Encrypting one value, no network", _seal, 5.4),
    "seal-open": Chart("seal", "Decrypting one value, no network", _seal, 5.4),
    "kms-calls": Chart("kms", "KMS calls to write rows and to read them once", _calls),
    "backfill": Chart("backfill", "Encrypting the rows of a live table", _backfill, 5.0),
    "counts": Chart("counts", "What a row with one encrypted value is made of", _counts, 5.0),
    "storage": Chart("storage", "What encryption adds to the bytes of one value", _storage, 5.4),
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
