"""On which versions of Alembic and SQLAlchemy the operations pass: the tests of Alembic, run on each pair.

    python -m tests.alembic_versions [--versions 1.13.3,1.20.1] [-- pytest arguments]

Each pair is installed into a temporary folder that goes before the environment's own packages.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALEMBIC = ["1.13.3", "1.14.1", "1.15.2", "1.16.5", "1.17.2", "1.18.4", "1.19.1", "1.19.2", "1.20.1"]
SQLALCHEMY = {"2.0": ">=2.0.40,<2.1", "2.1": ">=2.1.0b1,<2.2"}
TESTS = ["tests/alembic", "tests/test_migrations.py"]
SUMMARY = re.compile(r"(\d+) (passed|failed|error)")
"""What is skipped is not counted."""


def installed(folder: Path, *requirements: str) -> Path:
    """These packages, without what they need: the environment has that."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--pre"]
    subprocess.run([*command, "--no-deps", "--target", str(folder), *requirements], check=True)
    return folder


def outcome(paths: list[Path], arguments: list[str]) -> tuple[str, str]:
    """How the tests went, as `passed/all`; and what pytest printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    counts = {word: int(number) for number, word in SUMMARY.findall(done.stdout.splitlines()[-1])}
    return f"{counts.get('passed', 0)}/{sum(counts.values())}", done.stdout + done.stderr


def line(*cells: str) -> None:
    """One of the table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> int:
    """Print the table; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=lambda text: text.split(","), default=ALEMBIC)
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        bases = {
            name: installed(Path(scratch, f"sqlalchemy-{name}"), f"sqlalchemy{wanted}")
            for name, wanted in SQLALCHEMY.items()
        }
        line("Alembic", *(f"SQLAlchemy {name}" for name in bases))
        line(*["---"] * (len(bases) + 1))
        for version in given.versions:
            alembic = installed(Path(scratch, f"alembic-{version}"), f"alembic=={version}")
            cells = []
            for name, base in bases.items():
                cell, printed = outcome([alembic, base], given.arguments)
                passed, _, count = cell.partition("/")
                if passed != count or count == "0":
                    failed = True
                    Path(tempfile.gettempdir(), f"alembic-{version}-{name}.log").write_text(printed)
                cells.append(cell)
            line(version, *cells)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
