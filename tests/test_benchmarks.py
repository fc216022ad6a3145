"""The benchmarks run and print what they should; what they print is never a threshold here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.charts import CHARTS, draw
from benchmarks.page import BEGIN, END, write_pages

from .fixtures.postgresql import Database

ROOT = Path(__file__).parent.parent


def _done(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _run(*arguments: str) -> str:
    done = _done(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["seal", "page"], "draw and page stand alone"),
        (["seal", "--out", f"{__file__}/below"], "--out"),
        (["draw"], "has nothing to draw: run the suites first"),
        (["rows", "--quick", "--url", "postgresql+psycopg://no@127.0.0.1:1/no"], "the server of --url"),
    ],
)
def test_what_can_not_be_is_told_before_anything_is_measured(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    """In words, without a traceback."""
    done = _done(*(arguments if "--out" in arguments else [*arguments, "--out", str(tmp_path)]))
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "lines",
    [
        {
            "seal": "seal in a batch, against the bare seal",
            "kms": "a KMS that only waits: writing, against the ideal",
            "storage": "encrypted: the longest value that is not moved out to TOAST",
            "fleet": "tiered, steady: KMS calls, mean",
        },
        {
            "rows": "ORM select: extra, in bare primitives",
            "rowkey": "KMS calls to write: one key a row",
            "blind": "a blind index costs",
            "attach": "ORM get",
            "loop": "asyncpg: a heartbeat was late by at most",
        },
        {"backfill": "one worker: time, against constants set at once"},
    ],
    ids=" ".join,
)
def test_suites_run_and_say_their_figures(database: Database, tmp_path: Path, lines: dict[str, str]) -> None:
    """On little data, on a server of one's own, into files that have all that their pictures show."""
    url = database.url().render_as_string(hide_password=False)
    said = _run(*lines, "--quick", "--no-pictures", "--url", url, "--out", str(tmp_path))
    for suite, line in lines.items():
        assert line in said
        run = json.loads((tmp_path / f"{suite}.json").read_text())
        named = {each["name"] for each in run["figures"]} | {
            name for table in run["tables"] for name, _ in table["rows"]
        }
        assert line in named
        assert run["quick"]
        assert "sqlalchemy-envelope" in run["machine"]
        assert {name for name, chart in CHARTS.items() if chart.suite == suite} == run["curves"].keys()


RUN = {
    "name": "kms",
    "parameters": "10 values",
    "taken": "2026-11-27",
    "quick": False,
    "machine": {"machine": "a machine", "python": "3.11", "sqlalchemy-envelope": "0.1.0"},
    "figures": [{"name": "ideal", "value": 200.0, "unit": "ms", "aim": 100}],
    "tables": [{"title": "calls by rows", "columns": ["10"], "rows": [["strict", [10.0]]]}],
    "notes": ["a word"],
    "curves": {"kms-calls": {"strict": [[10, 10.0], [100, 100.0]], "tiered": [[10, 1.0], [100, 1.0]]}},
}


def test_a_run_becomes_pictures_and_pages(tmp_path: Path) -> None:
    """A picture takes dark colours where the page is dark; the words around a mark stay as they are."""
    pytest.importorskip("matplotlib")
    results, page = tmp_path / "results", tmp_path / "docs/performance.md"
    results.mkdir()
    page.parent.mkdir()
    marks = "".join(f"{BEGIN.format(mark)}old{END.format(mark)}" for mark in ("figures", "picture kms-calls"))
    page.write_text(f"before {marks} after")
    (tmp_path / "README.md").write_text("no mark")
    (results / "kms.json").write_text(json.dumps(RUN))
    drawn = draw(results)
    assert [path.name for path in drawn] == ["kms-calls.svg", "kms-calls.png"]
    assert "prefers-color-scheme: dark" in drawn[0].read_text()
    write_pages(results, tmp_path)
    told = page.read_text()
    assert (told[:7], told[-6:]) == ("before ", " after")
    assert "old" not in told
    assert "| ideal | 200 ms | ≤ 100: **not met** |" in told
    assert "| strict | 10 |" in told
    assert "(pictures/kms-calls.svg)" in told
    assert (tmp_path / "docs/pictures/kms-calls.svg").exists()
    assert (tmp_path / "README.md").read_text() == "no mark"


def test_a_quick_run_is_not_for_pages(tmp_path: Path) -> None:
    """Its figures say nothing."""
    (tmp_path / "kms.json").write_text(json.dumps(RUN | {"quick": True}))
    with pytest.raises(SystemExit, match="quick"):
        write_pages(tmp_path, tmp_path)
