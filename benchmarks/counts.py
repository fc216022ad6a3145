"""Instructions a row, by valgrind's callgrind, which other load does not sway: `python -m benchmarks.counts`.

Each path runs under callgrind once and again three times over: the difference is what its rows cost, with all
warm and without start-up. Python's collector is off; the kernel's and the server's part is not counted.
"""

import argparse
import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack

import sqlalchemy as sa

from demo.server import embedded_postgresql, scratch_schema

from .figures import Report
from .ground import Ground
from .paths import LIBRARY_CALLS, PRIMITIVES, STATEMENTS, VARIANTS, every_path, prepared

ROWS = 300
PARTS = ("SQLAlchemy, psycopg and two bytea", "cryptography and OpenSSL", "sqlalchemy-envelope")
"""What a row that is encrypted is made of."""


def run(report: Report, ground: Ground) -> None:
    """The suite."""
    report.suite("counts", f"{ROWS} rows a path, Python's collector off, without the kernel and the server")
    if shutil.which("valgrind") is None:
        report.note("valgrind is not installed: nothing was counted")
        return
    url = _within(ground.url, ground.schema)
    paths = ["bare seal"] if report.quick else every_path()
    seen = {path: counted(path, ROWS, url) for path in paths}
    report.table("instructions of one", ["instructions"], {name: [seen.get(name)] for name in PRIMITIVES})
    rows = {name: [seen.get(f"{name}: {variant}") for variant in VARIANTS] for name in STATEMENTS}
    report.table("instructions of one row", list(VARIANTS), rows)
    if not report.quick:
        _tell_parts(report, parts_of(seen))


def parts_of(seen: Mapping[str, float]) -> dict[str, tuple[float, ...]]:
    """By statement what the instructions of a row that is encrypted are made of, in the order of PARTS.

    Two mapped columns of bytea may cost the ORM more than an encrypted one: then nothing is left for ours.
    """
    library = sum(seen[name] for name in LIBRARY_CALLS)
    parts: dict[str, tuple[float, ...]] = {}
    for name, (_, variants) in STATEMENTS.items():
        if "encrypted" in variants:
            whole = seen[f"{name}: encrypted"]
            around = min(seen[f"{name}: bytea"], whole - library)
            parts[name] = (around, library, whole - library - around)
    return parts


def _tell_parts(report: Report, parts: dict[str, tuple[float, ...]]) -> None:
    shares = {name: [100 * part / sum(each) for part in each] for name, each in parts.items()}
    report.table("a row that is encrypted: % of its instructions", PARTS, shares)
    for at, part in enumerate(PARTS):
        report.curve("counts", part, [(name, each[at] / 1000) for name, each in parts.items()])


def run_one(path: str, count: int, runs: int, url: str) -> None:
    """What the child does under callgrind: a path once to warm up, then `runs` times."""
    with prepared(path, count, url) as work:
        gc.disable()
        work()
        subprocess.run(["callgrind_control", "-i", "on", str(os.getpid())], capture_output=True, check=True)
        for _ in range(runs):
            work()


def counted(path: str, count: int, url: str) -> float:
    """Instructions of one row."""
    once, thrice = (_of_child(path, count, runs, url) for runs in (1, 3))
    return (thrice - once) / 2 / count


def _of_child(path: str, count: int, runs: int, url: str) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]
    child = [sys.executable, "-m", "benchmarks.counts", path, "--rows", str(count), "--runs", str(runs)]
    command, environ = [*valgrind, *child, "--url", url], {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def _within(url: sa.URL, schema: str) -> str:
    """What a child connects to."""
    return url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


def main() -> None:
    """Every path, or those whose name contains what is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counts", description=__doc__)
    parser.add_argument(
        "path", nargs="?", default="", help="a part of the names of the paths that are counted"
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--url", help="a PostgreSQL to use a scratch schema of (default: one started here)")
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.runs:
        run_one(given.path, given.rows, given.runs, given.url)
        return
    paths = [path for path in every_path() if given.path in path]
    if not paths:
        parser.error(f"no path's name contains {given.path!r}: " + "; ".join(every_path()))
    if given.rows < 1:
        parser.error("--rows is at least 1")
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed: nothing can be counted")
    with ExitStack() as stack:
        url = sa.make_url(given.url) if given.url else stack.enter_context(embedded_postgresql())[0]
        schema = stack.enter_context(scratch_schema(url))
        for path in paths:
            count = counted(path, given.rows, _within(url, schema))
            print(f"{path:50} {count:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()
