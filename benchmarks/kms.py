"""Calls of a KMS and their time: by keyring, latency and calls at once, cold and warm; and what they cost."""

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy_envelope import AwsKms, DirectKeyring, Envelope
from sqlalchemy_envelope.testing import FakeKms

from .figures import Report
from .ground import Ground
from .keyrings import KEYRINGS, REUSE, envelope

LATENCY, AT_ONCE, AIM = 0.01, 50, 1.25
LATENCIES, CONCURRENCIES = (0.001, 0.01, 0.05), (1, 10, 50, 100)
WAVES = 10
"""Calls one after another in each measurement by latency."""

DOLLARS_A_CALL = 0.03 / 10_000
"""AWS KMS, symmetric keys, in most regions."""


def run(report: Report, ground: Ground) -> None:
    """The suite; it needs no server."""
    count, rounds = (100, 1) if report.quick else (1_000, 7)
    told = f"{count:,} values, {LATENCY * 1000:.0f} ms a call, {AT_ONCE} at once, median of {rounds}"
    report.suite("kms", f"strict: {told}; the tables say their own")
    _against_the_ideal(report, count, rounds)
    _by_latency(report)
    _by_rows(report)


def _against_the_ideal(report: Report, count: int, rounds: int) -> None:
    fake = FakeKms(delay=LATENCY, insecure=True)
    writing, reading = _timed(fake_envelope(fake), count, rounds)
    ideal = count / AT_ONCE * LATENCY
    report.add("ideal", ideal * 1000, "ms")
    report.add("a KMS that only waits: writing, against the ideal", writing / ideal, "×", AIM)
    report.add("a KMS that only waits: reading, against the ideal", reading / ideal, "×", AIM)
    report.add("calls to make a data key, each round", fake.generated / rounds, "calls")
    report.add("calls to unwrap one, each round", fake.unwrapped / rounds, "calls")
    with _stub() as (arn, client):
        began = time.process_time()
        writing, reading = _timed(Envelope(DirectKeyring(AwsKms(arn, client))), count, rounds)
        busy = (time.process_time() - began) / (2 * count * rounds)
    report.add("boto3 and a server on this machine: writing, against the ideal", writing / ideal, "×")
    report.add("boto3 and a server on this machine: reading, against the ideal", reading / ideal, "×")
    report.add("boto3 and a server on this machine: this process's processor time", busy * 1000, "ms a call")
    report.add("boto3: that processor time alone, against the ideal", busy / LATENCY * AT_ONCE, "×")


def _by_latency(report: Report) -> None:
    """As many values as `WAVES` waves of calls make, for each of the keyrings."""
    latencies, at_once = ((0.001,), (10,)) if report.quick else (LATENCIES, CONCURRENCIES)
    table: dict[str, list[float | None]] = {}
    for latency in latencies:
        for each in at_once:
            seen = {"strict, ideally": WAVES * latency}
            for name in KEYRINGS:
                seen |= _cold_and_warm(name, latency, each)
            values = [seconds / (WAVES * each) * 1e6 for seconds in seen.values()]
            table[f"{latency * 1000:g} ms, {each} at once"] = list(values)
    report.note(f"by latency: {WAVES} values for each of the calls at once; a KMS that only waits; {REUSE}")
    report.table("µs a value", list(seen), table)


def _cold_and_warm(name: str, latency: float, at_once: int) -> dict[str, float]:
    """Seconds to write; to read what another process wrote; and to read it once more."""
    fake = FakeKms(delay=latency, insecure=True)
    of, count = envelope(name, fake, at_once), WAVES * at_once
    seen, began = {}, time.perf_counter()
    cells = of.seal_many(["a value"] * count, "patient.ssn")
    seen[f"{name}: write"] = time.perf_counter() - began
    of.keyring.purge_cache()
    for told in ("read cold", "read warm"):
        began = time.perf_counter()
        of.open_many(cells, "patient.ssn")
        seen[f"{name}: {told}"] = time.perf_counter() - began
    return seen


def _by_rows(report: Report) -> None:
    """Calls to write and to read so many rows of one encrypted column, 1,000 a statement, by one process."""
    sizes = (10, 100, 1_000) if report.quick else (10, 100, 1_000, 10_000, 100_000)
    table: dict[str, list[float | None]] = {}
    for name in KEYRINGS:
        calls = [_calls(name, size) for size in sizes]
        for told, at in (("to write", 0), ("to read cold", 1)):
            table[f"{name}: {told}"] = [float(pair[at]) for pair in calls]
        both = [(size, float(sum(pair))) for size, pair in zip(sizes, calls, strict=True)]
        report.curve("kms-calls", name, both)
        dollars = both[-1][1] / sizes[-1] * 1e6 * DOLLARS_A_CALL
        report.add(f"{name}: a million rows written and read once, by the calls of the last", dollars, "$")
    report.table("calls by rows", [f"{size:,}" for size in sizes], table)


def _calls(name: str, size: int) -> tuple[int, int]:
    fake = FakeKms(insecure=True)
    of = envelope(name, fake)
    batches = [min(1_000, size - at) for at in range(0, size, 1_000)]
    cells = [of.seal_many(["a value"] * each, "patient.ssn") for each in batches]
    written = fake.generated + fake.wrapped + fake.unwrapped
    of.keyring.purge_cache()
    for each in cells:
        of.open_many(each, "patient.ssn")
    return written, fake.generated + fake.wrapped + fake.unwrapped - written


def fake_envelope(fake: FakeKms) -> Envelope:
    """An envelope over a KMS that only waits."""
    return Envelope(DirectKeyring(fake, concurrency=AT_ONCE))


def _timed(envelope: Envelope, count: int, rounds: int) -> tuple[float, float]:
    values = ["a value"] * count
    writes, reads = [], []
    for _ in range(rounds):
        gc.collect()
        began = time.perf_counter()
        cells = envelope.seal_many(values, "patient.ssn")
        written = time.perf_counter()
        envelope.open_many(cells, "patient.ssn")
        writes.append(written - began)
        reads.append(time.perf_counter() - written)
    return statistics.median(writes), statistics.median(reads)


@contextmanager
def _stub() -> Iterator[tuple[str, object]]:
    """A KMS of 10 ms in a process of its own, and a boto3 client of it."""
    import boto3
    from botocore.config import Config

    command = [sys.executable, "-m", "tests.keys.stub", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        client = boto3.client(
            "kms",
            region_name="eu-central-1",
            endpoint_url=url,
            aws_access_key_id="benchmark",
            aws_secret_access_key="benchmark",
            config=Config(max_pool_connections=AT_ONCE, parameter_validation=False),
        )
        try:
            yield "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", client
        finally:
            server.terminate()
