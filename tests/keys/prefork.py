"""A server that forks its workers, as gunicorn does with `preload_app`: run by `test_fork.py`, tells in JSON.

`prefork.py CHILDREN KMS_KEY_ARN` (or `-` for a fake KMS): the parent warms client, cache, pool and a data key
for reuse, keeps a wave in flight, and forks; each child seals and opens at once with the others.
"""

import json
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

from sqlalchemy_envelope import AwsKms, DirectKeyring, Envelope, Reuse
from sqlalchemy_envelope.providers.provider import RemoteProvider
from sqlalchemy_envelope.testing import FakeKms

PLACE = "patient.ssn"
VALUES = ["value"] * 20


def report(strict: Envelope, reusing: Envelope, stored: list[Any]) -> dict[str, Any]:
    """What one process wrote; it also opens what the parent stored."""
    cells, shared = strict.seal_many(VALUES, PLACE), reusing.seal_many(VALUES, PLACE)
    opened = strict.open_many(stored, PLACE) == strict.open_many(cells, PLACE) == [b"value"] * len(VALUES)
    return {
        "opened": opened and reusing.open_many(shared, PLACE) == [b"value"] * len(VALUES),
        "deks": [dek.hex() for dek, _ in cells if dek],
        "reused": sorted({dek.hex() for dek, _ in shared if dek}),
        "salts": [content[3:19].hex() for _, content in cells + shared if content],
    }


def fork_child(strict: Envelope, reusing: Envelope, stored: list[Any]) -> int:
    """The end of a pipe from which the child's report comes."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    signal.alarm(20)  # a child that is stuck ends, and its report is missed
    os.environ["AWS_ACCESS_KEY_ID"] = (
        f"child{os.getpid()}"  # found by a client that is made here, by no other
    )
    with os.fdopen(writing, "w") as pipe:
        json.dump(report(strict, reusing, stored), pipe)
    os._exit(0)


def main(children: int, arn: str) -> None:
    """Warm, fork, gather."""
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forking with threads
    kms: RemoteProvider = FakeKms(delay=0.003, insecure=True) if arn == "-" else AwsKms(arn)
    strict = Envelope(DirectKeyring(kms, concurrency=8))
    reusing = Envelope(DirectKeyring(kms, reuse=Reuse(values=1000, seconds=600)))
    stored = strict.seal_many(VALUES, PLACE)
    parent = report(strict, reusing, stored)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            strict.open_many(strict.seal_many(VALUES * 5, PLACE), PLACE)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    pipes = []
    for _ in range(children):
        time.sleep(0.02)
        pipes.append(fork_child(strict, reusing, stored))
    reports = [os.fdopen(pipe).read() for pipe in pipes]
    stop.set()
    busy.join(20)
    parent["busy"] = busy.is_alive()
    json.dump({"parent": parent, "children": [json.loads(each or "null") for each in reports]}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
