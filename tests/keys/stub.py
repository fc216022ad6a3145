"""A KMS on loopback that misbehaves as it is told: what moto, being well-behaved, can't show."""

import base64
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_ARN = "arn:aws:kms:eu-central-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"

Answer = Callable[["Stub", str, dict[str, Any]], tuple[int, bytes]]


class Stub(ThreadingHTTPServer):
    """Answers well, but first as `script` says, one answer a request; never to access keys in `expired`.

    `requests`: operation and members of each. `callers`: by client port, the access keys that came from it.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Answer] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.expired: set[str] = set()
        self.callers: dict[int, set[str]] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def always(self, answer: Answer) -> None:
        """Answer every request so."""
        self.script = [answer] * 100_000

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        access_key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        with self.server.lock:
            self.server.requests.append((operation, body))
            self.server.callers.setdefault(self.client_address[1], set()).add(access_key)
            answer = self.server.script.pop(0) if self.server.script else well
            if access_key in self.server.expired:
                answer = failing("ExpiredTokenException")
        status, payload = answer(self.server, operation, body)
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has above
        """Keep the tests' output clean."""


def well(stub: Stub, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
    """A good reply: the wrapped key is the key itself between a word and a hash of what it is bound to."""
    arn = body.get("KeyId")
    if operation == "GenerateDataKey":
        key = os.urandom(32)
        return replied(KeyId=arn, Plaintext=key, CiphertextBlob=_blob(key, arn, body))
    if operation == "Encrypt":
        return replied(KeyId=arn, CiphertextBlob=_blob(base64.b64decode(body["Plaintext"]), arn, body))
    blob = base64.b64decode(body["CiphertextBlob"])
    key = blob.removeprefix(b"wrapped:")[:32]
    if operation == "ReEncrypt":
        arn, prefix = body["DestinationKeyId"], "Destination"
        if blob != _blob(key, body["SourceKeyId"], body, "Source"):
            return failing("InvalidCiphertextException")(stub, operation, body)
        return replied(
            KeyId=arn, SourceKeyId=body["SourceKeyId"], CiphertextBlob=_blob(key, arn, body, prefix)
        )
    if blob != _blob(key, arn, body):
        return failing("InvalidCiphertextException")(stub, operation, body)
    return replied(KeyId=arn, Plaintext=key)


def _blob(key: bytes, arn: str | None, body: dict[str, Any], prefix: str = "") -> bytes:
    """Without a context nothing is bound, as in version 2."""
    bound = body.get(f"{prefix}EncryptionContext")
    mark = b"" if bound is None else hashlib.sha256(f"{arn} {sorted(bound.items())}".encode()).digest()
    return b"wrapped:" + key + mark


def replied(**reply: object) -> tuple[int, bytes]:
    """A 200 with these members; bytes become base64."""
    coded = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in reply.items()}
    return 200, json.dumps(coded).encode()


def replies(**reply: object) -> Answer:
    """An answer with just these members, whatever was asked."""
    return lambda *_: replied(**reply)


def failing(code: str, status: int = 400) -> Answer:
    """An answer with an error of KMS, whose text holds what ours must not."""
    text = json.dumps({"__type": code, "message": "canary-from-the-server"}).encode()
    return lambda *_: (status, text)


def raw(status: int, payload: bytes) -> Answer:
    """An answer that is no answer of KMS."""
    return lambda *_: (status, payload)


def after(seconds: float, answer: Answer = well) -> Answer:
    """An answer that takes its time."""

    def late(stub: Stub, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
        time.sleep(seconds)
        return answer(stub, operation, body)

    return late


def hang_up(stub: Stub, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
    """No answer at all."""
    return 0, b""


def main(seconds: float) -> None:
    """A stub in a process of its own, as slow as that; it prints where it is."""
    stub = Stub()
    stub.always(after(seconds))
    sys.stdout.write(f"{stub.url}\n")
    sys.stdout.flush()
    stub.serve_forever()


@contextmanager
def running_stub() -> Iterator[Stub]:
    """One that listens."""
    stub = Stub()
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield stub
    stub.shutdown()
    stub.server_close()
    thread.join()


if __name__ == "__main__":
    main(float(sys.argv[1]))
