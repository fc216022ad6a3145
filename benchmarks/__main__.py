"""`python -m benchmarks SUITE ...` measures and draws; `draw` and `page` use what was measured before.

Each suite leaves SUITE.json in the folder, and its pictures as PNG and SVG. `draw` draws them anew. `page`
writes the figures into docs/performance.md and README.md, between their marks, and the pictures into
docs/pictures.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Never

from demo.server import UnfitServerError

from . import attach, backfill, blind, bound, counts, fleet, kms, loop, rowkey, rows, seal, storage
from .charts import draw
from .figures import Report
from .ground import Ground
from .page import write_pages

RESULTS = Path("benchmarks/results")

SUITES: dict[str, Callable[[Report, Ground], None]] = {
    "seal": seal.run,
    "rows": rows.run,
    "kms": kms.run,
    "backfill": backfill.run,
    "storage": storage.run,
    "attach": attach.run,
    "blind": lambda report, ground: blind.run(report, ground.engine()),
    "bound": lambda report, ground: bound.run(report, ground.engine()),
    "rowkey": lambda report, ground: rowkey.run(report, ground.engine()),
    "loop": loop.run,
    "fleet": fleet.run,
    "counts": counts.run,
}
"""In the order in which `all` runs them, but for those by name only."""

BY_NAME_ONLY = {"counts"}  # needs valgrind, and some minutes, but not a quiet machine

WITHOUT_A_SERVER = {"seal", "kms", "fleet"}


def main() -> None:
    """Runs what the command line names."""
    given = _arguments()
    if given.suites == ["draw"]:
        print(*draw(given.out) or _nothing_in(given.out), sep="\n")
    elif given.suites == ["page"]:
        write_pages(given.out, Path.cwd())
    else:
        try:
            _measure(given)
        except UnfitServerError as error:
            raise SystemExit(f"the server of --url can't be used: {error}") from None


def _nothing_in(folder: Path) -> Never:
    raise SystemExit(f"{folder} has nothing to draw: run the suites first")


def _measure(given: argparse.Namespace) -> None:
    report = Report(given.quick)
    wanted = [name for name in SUITES if name not in BY_NAME_ONLY] if "all" in given.suites else given.suites
    with ExitStack() as stack:
        ground = Ground(given.url, stack)
        for name in wanted:
            report.facts = {} if name in WITHOUT_A_SERVER else ground.facts
            began = time.perf_counter()
            SUITES[name](report, ground)
            report.note(f"the suite took {time.perf_counter() - began:,.0f} s")
            report.write(given.out)
    if not given.no_pictures:
        print("\n", *draw(given.out, wanted), sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="+", choices=[*SUITES, "all", "draw", "page"], metavar="suite")
    parser.add_argument("--quick", action="store_true", help="little data: to see that it runs")
    parser.add_argument("--url", help="a PostgreSQL to use a scratch schema of (default: one started here)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder (default: %(default)s)")
    parser.add_argument("--no-pictures", action="store_true", help="figures only, without matplotlib")
    given = parser.parse_args()
    if len(given.suites) > 1 and not {"draw", "page"}.isdisjoint(given.suites):
        parser.error("draw and page stand alone: they use what suites have measured before")
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # told before minutes of measuring
        parser.error(f"--out {given.out}: {error.strerror}")
    return given


if __name__ == "__main__":
    main()
