"""What the tests of keys ask for: a KMS that misbehaves on demand, and providers that call it."""

from collections.abc import Callable, Iterator

import pytest

from sqlalchemy_envelope import AwsKms, Context
from sqlalchemy_envelope.testing import FakeKms

from ..fixtures.kms import client_environment
from .clock import Clock
from .stub import ARN, Stub, running_stub


@pytest.fixture
def clock() -> Clock:
    """A clock of one's own."""
    return Clock()


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A KMS of our own on loopback, where the clients made from the environment go."""
    with running_stub() as running:
        for name, value in client_environment(running.url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield running


@pytest.fixture
def make_kms(stub: Stub) -> Callable[..., AwsKms]:
    """Makes a provider that calls the stub, by default with little patience."""

    def make(arn: str = ARN, client: object = None, **options: object) -> AwsKms:
        limits = {"time_budget": 1.0, "connect_timeout": 0.5, "read_timeout": 0.5}
        return AwsKms(arn, client, **(limits | options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def kms(make_kms: Callable[..., AwsKms]) -> AwsKms:
    """A provider that calls the stub."""
    return make_kms()


@pytest.fixture
def fake() -> FakeKms:
    """A KMS without a network."""
    return FakeKms()


@pytest.fixture
def context() -> Context:
    """Where the values of these tests belong."""
    return Context("patient", "ssn")
