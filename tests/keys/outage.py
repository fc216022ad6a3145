"""Availability in a ten-minute outage of KMS: `python -m tests.keys.outage --count 200`.

Processes start throughout two hours of a simulated clock, each with a tenant of its own, and read a value
every `STEP` seconds. Then KMS is away for ten minutes, in which they write one as often. What is counted is
how many reads and writes went well, at the defaults and with `outage_seconds=600`; and how many reads by
processes that started in the outage.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass, field

from sqlalchemy_envelope import Context, Envelope, KeyProviderError, TieredKeyring
from sqlalchemy_envelope.envelope import Cells
from sqlalchemy_envelope.testing import FakeKms

from .clock import Clock
from .memory_store import MemoryStore

STEP = 15.0
BEFORE, OUTAGE = 7200.0, 600.0


@dataclass
class Share:
    """Of attempts that went well."""

    good: int = 0
    all: int = 0

    def note(self, good: bool) -> None:
        """One more."""
        self.good, self.all = self.good + good, self.all + 1

    def __str__(self) -> str:
        return f"{100 * self.good / max(1, self.all):.2f} %"


@dataclass
class Found:
    """Warm processes that read well throughout; reads and writes of all; reads of new processes; the end."""

    untouched: Share = field(default_factory=Share)
    reads: Share = field(default_factory=Share)
    writes: Share = field(default_factory=Share)
    cold: Share = field(default_factory=Share)
    after: Share = field(default_factory=Share)


class Process:
    """One process and its tenant's value."""

    def __init__(self, kms: FakeKms, store: MemoryStore, clock: Clock, number: int, borne: float) -> None:
        self.keyring = TieredKeyring(kms, store=store, clock=clock, outage_seconds=borne)
        self.envelope = Envelope(self.keyring)
        self.place = Context("patient", "ssn", tenant=f"tenant {number}")
        self.cells: list[Cells] = []

    def write(self) -> bool:
        """Whether a value can be sealed."""
        try:
            self.cells = self.envelope.seal_many([b"x"], self.place)
        except KeyProviderError:
            return False
        return True

    def read(self) -> bool:
        """Whether the last one opens."""
        try:
            return self.envelope.open_many(self.cells, self.place) == [b"x"]
        except KeyProviderError:
            return False

    def settle(self) -> None:
        """Wait for what goes on in the background: its time is not simulated."""
        pool = self.keyring._fetching.pool
        while pool.board._under_way or not pool.board.idle:
            time.sleep(0.0005)


def simulate(count: int, seed: int, borne: float) -> Found:
    """So many processes, which bear an outage for `borne` seconds."""
    chance, clock, found = random.Random(seed), Clock(), Found()
    clock.now = 0.0
    kms, store = FakeKms(insecure=True), MemoryStore(clock)
    starts = sorted(chance.uniform(0, BEFORE) for _ in range(count))
    running: list[Process] = []
    while clock.now < BEFORE:
        while len(running) < count and starts[len(running)] <= clock.now:
            running.append(Process(kms, store, clock, len(running), borne))
            running[-1].write()
        for process in running:
            process.read()
            process.settle()
        clock.now += STEP
    kms.throttle()
    well = [True] * len(running)
    while clock.now < BEFORE + OUTAGE:
        for number, process in enumerate(running):
            written, read = process.write(), process.read()
            process.settle()
            found.writes.note(written)
            found.reads.note(read)
            well[number] &= read
        cold = Process(kms, store, clock, 0, borne)
        cold.cells = running[0].cells
        found.cold.note(cold.read())
        clock.now += STEP
    for good in well:
        found.untouched.note(good)
    kms.recover()
    for process in running:
        found.after.note(process.write() and process.read())
    return found


def main() -> int:
    """The figures; 1 where an outage that is borne was noticed by a warm reader, or a restart was needed."""
    parser = argparse.ArgumentParser(prog="python -m tests.keys.outage", description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    bad = 0
    for borne in (0.0, OUTAGE):
        found = simulate(given.count, given.seed, borne)
        sys.stdout.write(
            f"seed {given.seed}, {given.count} processes, 10 minutes without KMS, outage_seconds={borne:g}:"
            f" warm reads {found.reads}, warm writes {found.writes}, processes whose reads all went well"
            f" {found.untouched}, reads of processes that start meanwhile {found.cold}; afterwards,"
            f" without a restart, {found.after}\n"
        )
        bad |= found.after.good != found.after.all or (borne > 0 and found.reads.good != found.reads.all)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
