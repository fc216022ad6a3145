"""pytest fixtures for applications' tests."""

import pytest

from ..envelope import Envelope
from ..keyring.direct import DirectKeyring
from .fake_kms import FakeKms


@pytest.fixture
def fake_kms() -> FakeKms:
    """A KMS that protects nothing and counts everything; a new one for each test."""
    return FakeKms()


@pytest.fixture
def envelope(fake_kms: FakeKms) -> Envelope:
    """An envelope whose data keys come from `fake_kms`, one for each value."""
    return Envelope(DirectKeyring(fake_kms))
