"""How long after a revocation another process still opens: `python -m tests.keystore.revocation --count 20`.

A process reads one value all the time, at the defaults of `TieredKeyring`, by a clock that runs `--speed`
times as fast as the real one. The key is revoked here at a random moment, and the process says when it was
first refused; or it is told to call `purge_cache()`, and says how long that took to have effect.
"""

import argparse
import multiprocessing
import random
import statistics
import sys
import time
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import create_engine

from sqlalchemy_envelope import Context, Envelope, RevokedError, SqlKeyStore, StaticKey, TieredKeyring
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.keystore.states import revoke

KEY = bytes(range(32))
PAUSE = 0.002


class Refused(NamedTuple):
    """Seconds from the commit of each revocation to the first refusal; simulated ones, and real ones."""

    by_time: list[float]
    by_purge: list[float]


def measure(url: str, count: int, speed: float, seed: int) -> Refused:
    """So many revocations of each kind, seen by one other process. The database has the tables of keys."""
    chance, refused = random.Random(seed), Refused([], [])
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    reader = spawn.Process(target=_read, args=(url, speed, theirs))
    reader.start()
    for number in range(count):
        seconds = _refused(url, f"time {number}", ours, chance.uniform(0.0, 300.0 / speed), purge=False)
        refused.by_time.append(speed * seconds)
        refused.by_purge.append(_refused(url, f"purge {number}", ours, 0.0, purge=True))
    ours.send(None)
    reader.join()
    return refused


def _refused(url: str, tenant: str, reader: Any, pause: float, *, purge: bool) -> float:
    """Real seconds from the commit, or from telling the process to purge, to its first refusal."""
    store = SqlKeyStore(url)
    place = Context("patient", "ssn", tenant=tenant)
    cells = Envelope(TieredKeyring(StaticKey(KEY), store=store)).seal_many(["x"], place)
    (row,) = store.active([tenant])
    reader.send((tenant, cells))
    if _said(reader) != "opens":
        raise RuntimeError("the other process does not read")
    time.sleep(pause)
    engine = create_engine(url)
    with engine.begin() as connection:
        revoke(connection, row.id, by="figure", reason="figure")
    began = time.monotonic()
    engine.dispose()
    if purge:
        reader.send("purge")
    return float(_said(reader)) - began


def _said(reader: Any) -> str:
    if not reader.poll(60):
        raise RuntimeError("the other process says nothing")
    return str(reader.recv())


def _read(url: str, speed: float, pipe: Any) -> None:
    keyring = TieredKeyring(StaticKey(KEY), store=SqlKeyStore(url), clock=lambda: time.monotonic() * speed)
    envelope = Envelope(keyring)
    while (order := pipe.recv()) is not None:
        tenant, cells = order
        place = Context("patient", "ssn", tenant=tenant)
        envelope.open_many(cells, place)
        pipe.send("opens")
        with suppress(RevokedError):
            while True:
                if pipe.poll():
                    pipe.recv()
                    envelope.purge_cache()
                envelope.open_many(cells, place)
                time.sleep(PAUSE)
        pipe.send(str(time.monotonic()))


def main() -> int:
    """The figures; 1 where one is beyond its bound."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.keystore.revocation", description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--speed", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with embedded_postgresql() as (url, _):
        engine = create_engine(url)
        with engine.begin() as connection:
            install(connection)
        engine.dispose()
        shown = url.render_as_string(hide_password=False)
        by_time, by_purge = measure(shown, given.count, given.speed, given.seed)
    sys.stdout.write(
        f"seed {given.seed}, {given.count} each, clock {given.speed:g} times as fast:"
        f" refused {statistics.median(by_time):.0f} s after the revocation (median), {max(by_time):.0f} s at"
        f" most, bound 300 s; after purge_cache() {1e3 * statistics.median(by_purge):.0f} ms (median),"
        f" {1e3 * max(by_purge):.0f} ms at most, real time\n"
    )
    return int(max(by_time) > 300)


if __name__ == "__main__":
    sys.exit(main())
