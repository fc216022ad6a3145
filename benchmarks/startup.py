"""What a new process pays until its first rows: time and memory of each step, with the library or without."""

import json
import statistics
import subprocess
import sys

import sqlalchemy as sa

from .figures import Report
from .ground import Ground

STEPS = (
    "import sqlalchemy, its ORM and psycopg",
    "import sqlalchemy_envelope",
    "models",
    "attach",
    "first rows",
)
WITHOUT, WITH = "without", "with"


def run(report: Report, ground: Ground) -> None:
    """A part of the suite `attach`: many processes, in turn."""
    rounds = 1 if report.quick else 11
    url, arguments = ground.place("psycopg")
    with ground.engine().begin() as connection:
        connection.execute(sa.text("drop table if exists started"))
        connection.execute(sa.text("create table started (id int primary key, name text)"))
        connection.execute(sa.text("insert into started values (1, 'a')"))
    place = json.dumps([url.render_as_string(hide_password=False), arguments])
    seen: dict[str, list[list[list[float]]]] = {WITHOUT: [], WITH: []}
    for _ in range(rounds):
        for name, told in seen.items():
            told.append(_process(name, place))
    columns = [f"{name}, {unit}" for unit in ("ms", "MiB") for name in (WITHOUT, WITH)]
    report.note(f"a new process, median of {rounds} in turn; the table that it reads has no encrypted column")
    table: dict[str, list[float | None]] = {}
    for at, step in enumerate(STEPS):
        table[step] = [
            statistics.median(each[at][unit] for each in seen[name])
            for unit in (0, 1)
            for name in (WITHOUT, WITH)
        ]
    table["all"] = [sum(row[at] or 0.0 for row in table.values()) for at in range(4)]
    report.table("step of a new process", columns, table)


def _process(name: str, place: str) -> list[list[float]]:
    command = [sys.executable, "-m", "benchmarks.newborn", name, place]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[list[float]] = json.loads(told)
    return found
