"""docs/performance.md: the words are written by hand, the figures between the two marks by a run."""

import json
from pathlib import Path
from typing import Any

from .figures import shown

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_page(run: Path, page: Path) -> None:
    """Puts the figures of a run into the page; a quick run has none that are worth it."""
    told = json.loads(run.read_text())
    if told["quick"]:
        raise SystemExit(f"{run} is of a --quick run: its figures say nothing")
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{_tables(told)}{END}{after}")


def _tables(run: dict[str, Any]) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in run["machine"].items())
    parts = [f"\n{facts}\n"]
    for suite, parameters in run["suites"].items():
        parts.append(f"\n### {suite}\n\n{parameters}\n\n| figure | value | aim |\n|---|---:|---|\n")
        parts += [_row(each) for each in run["figures"] if each["suite"] == suite]
        parts += [f"\n- {text}" for of, text in run["notes"] if of == suite]
        parts.append("\n")
    return "".join(parts) + "\n"


def _row(figure: dict[str, Any]) -> str:
    value, aim = figure["value"], figure["aim"]
    told = "" if aim is None else f"≤ {aim:g}: {'met' if value <= aim else '**not met**'}"
    return f"| {figure['name']} | {shown(value)} {figure['unit']} | {told} |\n"
