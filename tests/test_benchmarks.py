"""The benchmarks run and print what they should; what they print is never a threshold here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .fixtures.postgresql import Database

ROOT = Path(__file__).parent.parent


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("suite", "line"),
    [
        ("seal", "seal in a batch, against the bare seal"),
        ("kms", "a KMS that only waits: writing, against the ideal"),
        ("rows", "ORM select: extra, in bare primitives"),
        ("attach", "ORM get: with, against without"),
        ("loop", "asyncpg: a heartbeat was late by at most"),
        ("blind", "a blind index costs"),
        ("fleet", "tiered, steady: KMS calls, mean"),
        ("backfill", "one worker: time, against constants at once"),
    ],
)
def test_a_suite_runs_and_says_its_figure(database: Database, tmp_path: Path, suite: str, line: str) -> None:
    """On little data, on a server of one's own, into a file too."""
    url = database.url().render_as_string(hide_password=False)
    said = _run(suite, "--quick", "--url", url, "--json", str(tmp_path / "run.json"))
    assert line in said
    assert "sqlalchemy-envelope" in said.splitlines()[0]
    run = json.loads((tmp_path / "run.json").read_text())
    assert line in {figure["name"] for figure in run["figures"]}
    assert run["quick"]
