"""The catalogue under a tiered keyring: `python -m tests.statements.tiered` runs all of it, a test some.

Each shape runs twice: cold, when its keys are fetched before any row is opened, and warm, when rows stay as
they came.
"""

import sys
import time
import warnings
from collections.abc import Sequence
from functools import cache, partial

import sqlalchemy as sa

from sqlalchemy_envelope import Envelope, TieredKeyring, attach
from sqlalchemy_envelope.testing import FakeKms

from ..keys.memory_store import MemoryStore
from . import sections  # noqa: F401
from .catalogue import CATALOGUE, Shape
from .harness import attempt, check, prepare, quiet_log
from .models import ENCRYPTED, PLAIN

STATEMENTS = [each for each in CATALOGUE if not each.declares and each.possible]


def run(url: sa.URL, shapes: Sequence[Shape]) -> list[str]:
    """All that goes wrong with these shapes."""
    envelope = Envelope(TieredKeyring(FakeKms(insecure=True), store=MemoryStore(time.monotonic)))
    engines = [sa.create_engine(url, echo="debug") for _ in range(2)]
    attach(engines[0], envelope)
    wrong = []
    with quiet_log(), engines[0].connect() as ours, engines[1].connect() as plain:
        prepare(ours, ENCRYPTED)
        prepare(plain, PLAIN)
        for shape in shapes:
            twin = cache(partial(attempt, plain, PLAIN, shape))
            envelope.purge_cache()
            for warmth in ("cold", "warm"):
                found = check(shape, ENCRYPTED, attempt(ours, ENCRYPTED, shape), twin)
                wrong += [f"{warmth}, {shape.code}: {each}" for each in found]
    for engine in engines:
        engine.dispose()
    return wrong


def main() -> int:
    """Prints what goes wrong, and how many were run."""
    from demo.server import embedded_postgresql

    warnings.simplefilter("ignore")
    with embedded_postgresql() as (url, _):
        wrong = run(url, STATEMENTS)
    sys.stdout.write("\n".join([*wrong, f"{len(STATEMENTS)} shapes, cold and warm: {len(wrong)} wrong\n"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
