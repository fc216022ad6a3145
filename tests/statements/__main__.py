"""`python -m tests.statements --write FILE`, or `--check FILE`: the document made of this catalogue."""

import argparse
import sys
from itertools import groupby
from pathlib import Path

from . import sections  # noqa: F401
from .catalogue import CATALOGUE, Shape

HEAD = """# Statements

What becomes of every shape of statement on an encrypted column: it **works**, with the very result that a
plain column gives, or it is **refused** before anything is sent, with the error named. There is no third
thing. This page is written by `make docs` from the tests in `tests/statements`, which run each line on
psycopg, psycopg async and asyncpg, on SQLAlchemy 2.0 and 2.1, beside plain twins of the tables; and on
psycopg in each of the states of a column that is [moving](moving.md).

Read `P` as a mapped class with encrypted columns `name`, `ssn`, `photo` (bytes) beside plain `id`, `note`,
`ward_id`; `p` is its table, `W` a parent, `V` a child with a primary key of two columns, `S` and `D` a joined
hierarchy, `O` one whose attribute, key and column name differ, `K` one with plain columns whose defaults read
the encrypted `pin`, `s` a session and `C` some text. `T` has `name` and `ssn` encrypted for the
[tenant](tenants.md) that its `tenant_id` names, `X` a `secret` for that of the context; `under('acme', ...)`
runs something inside `with tenant('acme'):`.

What is refused is refused by where a column stands, not by a list of functions: whatever is not known to hand
a value on as it is, is refused. Text that is a whole statement of its own is not looked into: it gets and
gives bytes as they are stored. A lightweight `table("patient", column("ssn"))` is such text too, and so is
what a construct of your own (`@compiles`) writes as a string.

The sibling, `p.c.ssn_dek`, may be named: that counts the values of each key. Beside its own column it is
refused, unless a class maps it, because `select(*p.c)` puts it there by accident; `select(p)` leaves it out.

"""


def document() -> str:
    """The whole page."""
    parts = [HEAD, _summary()]
    for title, shapes in groupby(CATALOGUE, key=lambda shape: shape.section):
        parts.append(f"\n## {title}\n\n| | statement |\n|---|---|\n")
        parts += [_row(shape) for shape in shapes]
    return "".join(parts)


def _summary() -> str:
    return f"{_count(CATALOGUE)}.\n"


def _count(shapes: list[Shape]) -> str:
    refused = sum(shape.error is not None for shape in shapes)
    return f"{len(shapes)} shapes: {len(shapes) - refused} work, {refused} are refused"


def _row(shape: Shape) -> str:
    verdict = "works" if shape.error is None else f"`{shape.error.__name__}`"
    code = "<br>".join(f"`{_cell(line)}`" for line in shape.code.strip().split("\n"))
    since = f" (SQLAlchemy {'.'.join(map(str, shape.since))})" if shape.since else ""
    return f"| {verdict} | {code}{since} |\n"


def _cell(line: str) -> str:
    return line.replace("|", "\\|").replace("`", "'")


def main() -> int:
    """Writes the page, or says that the one there is stale."""
    parser = argparse.ArgumentParser(prog="python -m tests.statements", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=Path, metavar="FILE")
    choice.add_argument("--check", type=Path, metavar="FILE")
    choice.add_argument("--count", action="store_true", help="how many, on the SQLAlchemy that is installed")
    given = parser.parse_args()
    if given.write:
        given.write.write_text(document())
        return 0
    if given.count:
        print(_count([shape for shape in CATALOGUE if shape.possible]))  # noqa: T201
        return 0
    if given.check.read_text() == document():
        return 0
    print(f"{given.check} is stale: make docs", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
