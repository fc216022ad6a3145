"""A forked child shares nothing with its parent that could repeat, lock or mix: pre-forked workers."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from sqlalchemy_envelope import AwsKms, Context, DirectKeyring, Envelope, Reuse, TieredKeyring
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from .memory_store import MemoryStore
from .stub import ARN, Stub

CHILDREN = 6

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def forked(arn: str) -> dict[str, Any]:
    """What a parent and its children told."""
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-m", "tests.keys.prefork", str(CHILDREN), arn],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize("arn", ["-", ARN], ids=["fake", "boto3"])
def test_children_of_a_busy_parent_work_and_repeat_nothing(stub: Stub, arn: str) -> None:
    """No deadlock with a wave in flight at the fork; all open; no salt and no data key occurs twice.

    No connection carries requests of two processes, and each process has a client with its own credentials.
    """
    told = forked(arn)
    everyone = [told["parent"], *told["children"]]
    assert len(everyone) == CHILDREN + 1
    assert all(each and each["opened"] for each in everyone)
    assert not told["parent"]["busy"]
    salts = [salt for each in everyone for salt in each["salts"]]
    assert len(set(salts)) == len(salts) == (CHILDREN + 1) * 40
    deks = [dek for each in everyone for dek in [*each["deks"], *each["reused"]]]
    assert len(set(deks)) == len(deks) == (CHILDREN + 1) * 21
    assert all(len(processes) == 1 for processes in stub.callers.values())
    seen = {process for processes in stub.callers.values() for process in processes}
    assert len(seen) == (CHILDREN + 1 if arn == ARN else 0)


def in_child(act: Any) -> Any:
    """What `act` returns in a forked child, by way of a pipe."""
    reading, writing = os.pipe()
    if not os.fork():
        try:
            os.write(writing, json.dumps(act()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.wait()
    return json.loads(told)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_has_no_keys_of_its_parent(context: Context) -> None:
    """Neither to read nor to reuse: it asks for its own."""
    fake = FakeKms()
    envelope = Envelope(DirectKeyring(fake, reuse=Reuse(values=1000, seconds=600)))
    cells = envelope.seal_many(["a"], context)
    envelope.open_many(cells, context)

    def child() -> list[int]:
        before = fake.generated, fake.unwrapped
        envelope.open_many(cells, context)
        envelope.seal_many(["b"], context)
        return [fake.generated - before[0], fake.unwrapped - before[1]]

    assert in_child(child) == [1, 1]
    with kms_calls(fake, generate=0, unwrap=0):
        envelope.open_many(cells + envelope.seal_many(["c"], context), context)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_reserves_wraps_of_its_own(context: Context) -> None:
    """And asks for its own keys: no wrap of its parent's block is made twice."""
    fake, store = FakeKms(), MemoryStore(time.monotonic)
    envelope = Envelope(TieredKeyring(fake, store=store))
    cells = envelope.seal_many(["a"], context)

    def child() -> list[int]:
        before = fake.unwrapped, store.reserves
        envelope.open_many(cells + envelope.seal_many(["b"], context), context)
        return [fake.unwrapped - before[0], store.reserves - before[1]]

    assert in_child(child) == [1, 1]
    with kms_calls(fake, generate=0, unwrap=0):
        envelope.open_many(cells + envelope.seal_many(["c"], context), context)
    assert store.reserves == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_client_that_was_given_is_made_again_in_a_child(stub: Stub, context: Context) -> None:
    """With its settings and credentials; the given one keeps its connection for the parent."""
    client = boto3.client("kms", aws_access_key_id="mine", aws_secret_access_key="secret")
    envelope = Envelope(DirectKeyring(AwsKms(ARN, client)))
    cells = envelope.seal_many(["a"], context)
    stub.expired = {"testing"}  # what the environment has, and the given client has not
    assert in_child(lambda: str(envelope.open_many(cells, context))) == "[b'a']"
    assert envelope.open_many(cells, context) == [b"a"]
