"""A process that is measured from its start on: nothing is imported here that it has not come to yet.

`python -m benchmarks.newborn without|with|uncompiled PLACE` prints milliseconds and MiB of each, as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any


class Steps:
    """Milliseconds and MiB of each step since the last one."""

    def __init__(self) -> None:
        self.seen: list[tuple[float | None, float | None]] = []
        self._began, self._held = time.perf_counter(), _memory("VmRSS")

    def done(self) -> None:
        """A step is over, and the next one begins."""
        now, held = time.perf_counter(), _memory("VmRSS")
        self.seen.append(((now - self._began) * 1000, held - self._held))
        self._began, self._held = time.perf_counter(), held

    def skipped(self) -> None:
        """A step that this process has no need of."""
        self.seen.append((None, None))


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) / 1024


def main(name: str, place: str) -> None:
    """The life of such a process."""
    steps = Steps()
    url, arguments = json.loads(place)
    import psycopg  # noqa: F401
    import sqlalchemy as sa
    from sqlalchemy import orm
    from sqlalchemy.dialects.postgresql import psycopg as _dialect  # noqa: F401 - create_engine would

    steps.done()
    _import_library(steps, name)
    base: Any = orm.declarative_base()
    columns = {"id": sa.Column(sa.Integer, primary_key=True), "name": sa.Column(sa.Text)}
    started = type("Started", (base,), {"__tablename__": "started", **columns})
    orm.configure_mappers()
    steps.done()
    engine = sa.create_engine(url, connect_args=arguments)
    if name != "without":
        _attach(engine)
    steps.done()
    with orm.Session(engine) as session:
        session.scalars(sa.select(started)).all()
    steps.done()
    print(json.dumps({"steps": steps.seen, "peak": _memory("VmHWM")}))


def _import_library(steps: Steps, name: str) -> None:
    if name == "without":
        steps.skipped()
        steps.skipped()
        return
    from cryptography.hazmat.primitives.ciphers import aead  # noqa: F401 - the library would

    steps.done()
    import sqlalchemy_envelope  # noqa: F401

    steps.done()


def _attach(engine: Any) -> None:
    from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach

    attach(engine, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))


if __name__ == "__main__":
    main(*sys.argv[1:])
