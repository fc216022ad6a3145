"""Writes the vectors: `python -m tests.vectors.generate`. Appends new ones; refuses to change or drop one.

A published vector is a promise to every value ever stored: to change one is to change the format.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from . import bound, indexed, known, malformed, older, opened, refused, tiers, typed

Vector = dict[str, Any]
HERE = Path(__file__).parent

FILES: dict[str, Sequence[Callable[[], Iterable[Vector]]]] = {
    "known-answers.json": [known.derivations, known.contexts, known.key_ids],
    "opened.json": [opened.statics, opened.shared, opened.others],
    "malformed.json": [
        malformed.lone_cells,
        malformed.first_bytes,
        malformed.third_bytes,
        malformed.cut_cells,
        malformed.cut_pairs,
        malformed.wrong_lengths,
        malformed.moved_boundary,
    ],
    "refused.json": [
        refused.unknown_keys,
        refused.wraps,
        refused.kms_wraps,
        refused.commitments,
        refused.moves,
        refused.tags,
        refused.types,
    ],
    "tiers.json": [tiers.contexts, tiers.opened, tiers.refused, tiers.tenants],
    "older.json": [
        older.second,
        older.second_malformed,
        older.second_refused,
        older.first,
        older.first_refused,
    ],
    "bound.json": [bound.rows, bound.opened, bound.refused, bound.in_the_row_of_another],
    "indexed.json": [indexed.cells, indexed.refused],
    "typed.json": [typed.values, typed.wrong, typed.other_tags, typed.padded],
}


class ChangedVectorError(Exception):
    """A published vector would change."""


def merge(published: list[Vector], made: list[Vector]) -> list[Vector]:
    """The published vectors in their order, untouched, and the new ones after them."""
    by_name = {vector["name"]: vector for vector in made}
    if len(by_name) != len(made):
        raise ChangedVectorError("two vectors have the same name")
    changed = [vector["name"] for vector in published if by_name.get(vector["name"]) != vector]
    if changed:
        raise ChangedVectorError(f"published vectors never change: {', '.join(changed)}")
    known_names = {vector["name"] for vector in published}
    return published + [vector for vector in made if vector["name"] not in known_names]


def read(file: str) -> list[Vector]:
    """The published vectors of one file."""
    path = HERE / file
    return json.loads(path.read_text("utf-8"))["vectors"] if path.exists() else []


def render(vectors: list[Vector]) -> str:
    """A line for each vector, so that a diff shows that lines were only added."""
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors)
    return f'{{"vectors": [\n{lines}\n]}}\n'


def main() -> int:
    """Writes all files, or none of any that would change."""
    try:
        merged = {
            file: merge(read(file), list(chain.from_iterable(make() for make in makers)))
            for file, makers in FILES.items()
        }
    except ChangedVectorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for file, vectors in merged.items():
        (HERE / file).write_text(render(vectors), "utf-8")
    everything = list(chain.from_iterable(merged.values()))
    failures = sum("failure" in vector for vector in everything)
    sys.stdout.write(f"{len(everything)} vectors, {failures} of them failures\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
