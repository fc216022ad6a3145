"""A KMS on loopback and a real boto3 client of it, which counts what it sends."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
CONNECTIONS = 50


@dataclass
class Kms:
    """A key in a KMS, the client that calls it, and the requests sent so far by operation."""

    client: Any
    arn: str
    requests: Counter[str] = field(default_factory=Counter)

    def count(self, event_name: str, **_: Any) -> None:
        """boto3 is about to put a request on the wire: `before-send.kms.GenerateDataKey`."""
        self.requests[event_name.rsplit(".", maxsplit=1)[-1]] += 1

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The requests of a block, complete when it ends."""
        before, spent = self.requests.copy(), Counter[str]()
        yield spent
        spent.update(self.requests - before)


@contextmanager
def running_kms() -> Iterator[Kms]:
    """A KMS with one new key, gone afterwards."""
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "demo.kms_server"]
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C in the terminal is for the demo, which tidies up and then ends this.
    with subprocess.Popen(
        command,
        cwd=root,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        try:
            port = server.stdout.readline().strip()
            if not port:
                raise RuntimeError("the local KMS did not start: python -m demo.kms_server says why")
            yield _with_key(client_of(int(port)))
        finally:
            server.stdin.close()


def client_of(port: int) -> Any:
    """A boto3 client of the KMS at a port of loopback, with credentials that are good nowhere else."""
    session = boto3.session.Session("demo", "demo", region_name=REGION)
    config = Config(max_pool_connections=CONNECTIONS, retries={"total_max_attempts": 1})
    return session.client("kms", endpoint_url=f"http://127.0.0.1:{port}", config=config)


def _with_key(client: Any) -> Kms:
    kms = Kms(client, client.create_key(Description="sqlalchemy-envelope demo")["KeyMetadata"]["Arn"])
    client.meta.events.register("before-send.kms", kms.count)
    return kms
