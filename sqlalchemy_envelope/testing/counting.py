"""How many calls a piece of code makes: the cost of a design, kept by a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from .fake_kms import FakeKms


@contextmanager
def kms_calls(fake: FakeKms, *, generate: int | None = None, unwrap: int | None = None) -> Iterator[None]:
    """Assert that the block makes just these calls; None: any number."""
    generated, unwrapped = fake.generated, fake.unwrapped
    yield
    seen = {"generate": fake.generated - generated, "unwrap": fake.unwrapped - unwrapped}
    expected = {"generate": generate, "unwrap": unwrap}
    wrong = [
        f"{seen[name]} {name} calls, not {n}" for name, n in expected.items() if n not in (None, seen[name])
    ]
    if wrong:
        raise AssertionError("the KMS saw " + " and ".join(wrong))
