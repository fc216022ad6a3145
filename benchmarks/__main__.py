"""`python -m benchmarks SUITE`; `report FILE` writes the figures of a run into docs/performance.md."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from demo.server import embedded_postgresql, scratch_schema

from . import attach, backfill, blind, fleet, kms, loop, rows, seal
from .figures import Report, machine
from .loop import Places
from .page import write_page

Bare = tuple[float, float]
SUITES = ("seal", "rows", "kms", "attach", "loop", "backfill", "fleet", "blind")
ON_A_SERVER = {"rows", "attach", "loop", "backfill", "blind"}


def main() -> None:
    """Runs what the command line names."""
    given = _arguments()
    if given.suite == "report":
        write_page(given.file or Path("benchmarks/latest.json"), Path("docs/performance.md"))
        return
    report = Report(given.quick)
    print(" · ".join(f"{name} {value}" for name, value in machine().items()))
    wanted = SUITES if given.suite == "all" else (given.suite,)
    bare = seal.run(report) if {"seal", "rows"} & set(wanted) else (0.0, 0.0)
    if "kms" in wanted:
        kms.run(report)
    if "fleet" in wanted:
        fleet.run(report)
    if ON_A_SERVER & set(wanted):
        with _server(given.url) as places:
            _on_a_server(report, wanted, places, bare)
    if given.json:
        report.write(given.json)


def _on_a_server(report: Report, wanted: Sequence[str], places: Places, bare: Bare) -> None:
    url, arguments = places["psycopg"]
    engines = [sa.create_engine(url, connect_args=arguments) for _ in range(2)]
    try:
        if "rows" in wanted:
            rows.run(report, engines[0], *bare)
        if "attach" in wanted:
            attach.run(report, engines[1])
        if "loop" in wanted:
            loop.run(report, places)
        if "backfill" in wanted:
            backfill.run(report, url)
        if "blind" in wanted:
            blind.run(report, engines[1])
    finally:
        for engine in engines:
            engine.dispose()


@contextmanager
def _server(given: str | None) -> Iterator[Places]:
    """A scratch schema on the given server, or on one of our own."""
    with ExitStack() as stack:
        url = sa.make_url(given) if given else stack.enter_context(embedded_postgresql())[0]
        schema = stack.enter_context(scratch_schema(url))
        asyncpg = url.set(drivername="postgresql+asyncpg")
        yield {
            "psycopg": (url, {"options": f"-csearch_path={schema}"}),
            "asyncpg": (asyncpg, {"server_settings": {"search_path": schema}}),
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", choices=[*SUITES, "all", "report"])
    parser.add_argument("file", nargs="?", type=Path, help="the JSON of a run, for report")
    parser.add_argument("--quick", action="store_true", help="little data: to see that it runs")
    parser.add_argument("--url", help="a PostgreSQL to use a scratch schema of (default: one started here)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
