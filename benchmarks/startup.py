"""What a new process pays until its first rows: time and memory of each step, with the library or without.

Modules are compiled beforehand, as an installer leaves them. Where nothing is and nothing may be written
(`PYTHONDONTWRITEBYTECODE`, a file system for reading only), each process compiles anew: `uncompiled` has
done that with the library alone.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .figures import Report
from .ground import Ground

STEPS = (
    "import sqlalchemy, its ORM and dialect, and psycopg",
    "import cryptography",
    "import sqlalchemy_envelope",
    "models",
    "create_engine and attach",
    "first rows",
)
WITHOUT, WITH, UNCOMPILED = "without", "with", "uncompiled"
ALL = "the process from start to end; its peak"

Seen = list[list[float | None]]
"""Milliseconds and MiB of each step, and of the whole process."""


def run(report: Report, ground: Ground) -> None:
    """A part of the suite `attach`: many processes, in turn."""
    rounds = 1 if report.quick else 21
    url, arguments = ground.place("psycopg")
    with ground.engine().begin() as connection:
        connection.execute(sa.text("drop table if exists started"))
        connection.execute(sa.text("create table started (id int primary key, name text)"))
        connection.execute(sa.text("insert into started values (1, 'a')"))
    place = json.dumps([url.render_as_string(hide_password=False), arguments])
    seen: dict[str, list[Seen]] = {WITHOUT: [], WITH: [], UNCOMPILED: []}
    with tempfile.TemporaryDirectory() as folder:
        environments = _environments(Path(folder), place)
        for _ in range(rounds):
            for name, told in seen.items():
                told.append(_process(name, place, environments[name]))
    report.note(f"a new process, median of {rounds} in turn; the table that it reads has no encrypted column")
    report.note("uncompiled: the library's own modules alone are compiled by each process anew")
    columns = [f"{name}, {unit}" for unit in ("ms", "MiB") for name in seen]
    table = {
        step: [_median(seen[name], at, unit) for unit in (0, 1) for name in seen]
        for at, step in enumerate((*STEPS, ALL))
    }
    report.table("step of a new process", columns, table)


def _median(told: list[Seen], step: int, unit: int) -> float | None:
    given = [value for each in told if (value := each[step][unit]) is not None]
    return statistics.median(given) if given else None


def _environments(folder: Path, place: str) -> dict[str, dict[str, str]]:
    """One with all modules compiled, which a first process does, and one without the library's."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compiled = given | {"PYTHONPYCACHEPREFIX": str(folder / WITH)}
    _process(WITH, place, compiled)
    shutil.copytree(folder / WITH, folder / UNCOMPILED, ignore=shutil.ignore_patterns("sqlalchemy_envelope"))
    uncompiled = {"PYTHONPYCACHEPREFIX": str(folder / UNCOMPILED), "PYTHONDONTWRITEBYTECODE": "1"}
    return {WITHOUT: compiled, WITH: compiled, UNCOMPILED: given | uncompiled}


def _process(name: str, place: str, environment: Mapping[str, str]) -> Seen:
    command = [sys.executable, "-m", "benchmarks.newborn", name, place]
    began = time.perf_counter()
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    took = (time.perf_counter() - began) * 1000
    found: dict[str, Any] = json.loads(told)
    return [*found["steps"], [took, found["peak"]]]
