"""docs/performance.md and README.md: words are written by hand, figures between two marks by a run."""

import json
import shutil
from pathlib import Path
from typing import Any

from .charts import CHARTS
from .figures import shown

BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"
IN_SUMMARY = {
    "seal": ("seal in a batch, against the bare seal", "open a pair, against the bare open"),
    "rows": (
        "Core bulk insert: against sqlalchemy-utils",
        "ORM add_all: against sqlalchemy-utils",
        "Core select: against sqlalchemy-utils",
        "ORM select: against sqlalchemy-utils",
    ),
    "backfill": ("one worker: time, against constants set at once",),
    "kms": ("tiered: a million rows written and read once, by the calls of the last",),
}
"""The figures of the README's table, by suite."""

Run = dict[str, Any]


def write_pages(folder: Path, root: Path) -> None:
    """Puts the figures that were measured, and their pictures, where the marks are.

    The mark `figures` takes all of them, `summary` a few, `picture NAME` a picture. A file without a mark is
    left as it is. Refuses (`SystemExit`) what a quick run left: it says nothing.
    """
    runs = _runs(folder)
    for page in (root / "docs/performance.md", root / "README.md"):
        base = "" if page.parent.name == "docs" else "docs/"
        text = page.read_text()
        for mark, told in _told(runs, base).items():
            text = _between(text, mark, told)
        page.write_text(text)
    pictures = root / "docs/pictures"
    pictures.mkdir(exist_ok=True)
    for name in CHARTS:
        if (drawn := folder / f"{name}.svg").exists():
            shutil.copy(drawn, pictures)


def _runs(folder: Path) -> list[Run]:
    runs: list[Run] = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not runs:
        raise SystemExit(f"{folder} has no figures: run the suites first")
    for run in runs:
        if run["quick"]:
            raise SystemExit(f"{folder}/{run['name']}.json is of a --quick run: its figures say nothing")
    return runs


def _told(runs: list[Run], base: str) -> dict[str, str]:
    marks = {"figures": _tables(runs), "summary": _summary(runs)}
    for name, chart in CHARTS.items():
        if any(name in run["curves"] for run in runs):
            marks[f"picture {name}"] = f"\n![{chart.title}]({base}pictures/{name}.svg)\n\n"
    return marks


def _between(text: str, mark: str, told: str) -> str:
    begin, end = BEGIN.format(mark), END.format(mark)
    if begin not in text:
        return text
    before, rest = text.split(begin)
    return f"{before}{begin}\n{told}{end}{rest.split(end)[1]}"


def _summary(runs: list[Run]) -> str:
    rows = [
        _row(figure)
        for run in runs
        for figure in run["figures"]
        if figure["name"] in IN_SUMMARY.get(run["name"], ())
    ]
    return f"\n{_HEAD}{''.join(rows)}\n"


def _tables(runs: list[Run]) -> str:
    parts = []
    for run in runs:
        facts = " · ".join(f"{name} {value}" for name, value in run["machine"].items())
        parts.append(f"\n### {run['name']}\n\n{run['parameters']}\n\n{run['taken']} · {facts}\n")
        if run["figures"]:
            parts.append(f"\n{_HEAD}" + "".join(map(_row, run["figures"])))
        parts += map(_table, run["tables"])
        parts += ["\n", *(f"- {note}\n" for note in run["notes"])]
    return "".join(parts) + "\n"


def _table(table: dict[str, Any]) -> str:
    lines = [[table["title"], *table["columns"]], ["---", *("---:" for _ in table["columns"])]]
    lines += [[name, *map(shown, values)] for name, values in table["rows"]]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


_HEAD = "| figure | value | aim |\n|---|---:|---|\n"


def _row(figure: dict[str, Any]) -> str:
    value, aim = figure["value"], figure["aim"]
    told = "" if aim is None else f"≤ {aim:g}: {'met' if value <= aim else '**not met**'}"
    return f"| {figure['name']} | {shown(value)} {figure['unit']} | {told} |\n"
