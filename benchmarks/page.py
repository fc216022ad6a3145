"""docs/performance.md: the words are written by hand, the figures between the two marks by a run."""

import json
from pathlib import Path

from .figures import shown

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_page(run: Path, page: Path) -> None:
    """Puts the figures of a run into the page."""
    words = page.read_text()
    before, rest = words.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{_tables(json.loads(run.read_text()))}{END}{after}")


def _tables(run: dict[str, object]) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in dict(run["machine"]).items())  # type: ignore[call-overload]
    figures: list[dict[str, object]] = run["figures"]  # type: ignore[assignment]
    parts = [f"\n{facts}\n"]
    for suite in dict.fromkeys(str(each["suite"]) for each in figures):
        parts.append(f"\n### {suite}\n\n| figure | value | aim |\n|---|---:|---|\n")
        parts += [_row(each) for each in figures if each["suite"] == suite]
    return "".join(parts) + "\n"


def _row(figure: dict[str, object]) -> str:
    aim = "" if figure["aim"] is None else f"≤ {figure['aim']:g}"
    return f"| {figure['name']} | {shown(float(str(figure['value'])))} {figure['unit']} | {aim} |\n"
