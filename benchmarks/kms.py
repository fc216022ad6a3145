"""Strict KMS: one call a value, 50 at once, 10 ms each, against the ideal."""

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

LATENCY, AT_ONCE, AIM = 0.01, 50, 1.25


def run(report: Report) -> None:
    """The suite."""
    count, rounds = (100, 1) if report.quick else (1_000, 7)
    told = f"strict, {count:,} values, {LATENCY * 1000:.0f} ms a call, {AT_ONCE} at once, median of {rounds}"
    report.suite("kms", told)
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
