"""The fake KMS that applications test with: it counts, delays, fails on demand, and shows that it is fake."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sqlalchemy_envelope import Context, DecryptionError, DirectKeyring, Envelope, Failure, KeyProviderError
from sqlalchemy_envelope.testing import FakeKms, kms_calls
from sqlalchemy_envelope.wire import KeyCell

from .waits import here

APPLICATION_TEST = """
pytest_plugins = ["sqlalchemy_envelope.testing"]
from sqlalchemy_envelope.testing import kms_calls

def test_it(envelope, fake_kms):
    with kms_calls(fake_kms, generate=2, unwrap=0):
        cells = envelope.seal_many(["a", "b"], "t.c")
    with kms_calls(fake_kms, generate=0, unwrap=2):
        assert envelope.open_many(cells, "t.c") == [b"a", b"b"]
"""


def test_its_fixtures_work_in_an_application(tmp_path) -> None:
    """A conftest names the plugin; the rest is there."""
    (tmp_path / "test_application.py").write_text(APPLICATION_TEST)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_outside_of_tests_it_is_refused() -> None:
    """Unless one says that it is meant."""
    script = (
        "from sqlalchemy_envelope.testing import FakeKms\n"
        "FakeKms(insecure=True)\n"
        "try: FakeKms()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("ConfigurationError FakeKms protects nothing")


def test_what_it_stores_shows_what_it_is(fake: FakeKms, context: Context) -> None:
    """Anyone who meets such a cell sees that it protects nothing, and its repr says so too."""
    made = fake.generate(context)
    assert KeyCell.parse(made.cell).wrapped.startswith(b"insecure-test-wrap:" + made.key)
    assert "insecure" in repr(fake)


def test_it_counts_and_says_by_how_much_one_erred(fake: FakeKms, context: Context) -> None:
    """The block's own calls, in words."""
    envelope = Envelope(DirectKeyring(fake))
    told = pytest.raises(AssertionError, match="the KMS saw 2 generate calls, not 1")
    with told, kms_calls(fake, generate=1):
        envelope.seal_many(["a", "b"], context)
    with kms_calls(fake, generate=1), kms_calls(fake):
        envelope.seal_many(["a"], context)


def test_an_error_in_the_block_is_the_one_that_shows(fake: FakeKms) -> None:
    """Not the count that came to nothing because of it."""
    with pytest.raises(ZeroDivisionError), kms_calls(fake, generate=1):
        1 / 0  # noqa: B018


@pytest.mark.parametrize(("trouble", "retryable"), [("throttle", True), ("deny", False), ("expire", False)])
def test_it_fails_on_demand(fake: FakeKms, context: Context, trouble: str, retryable: bool) -> None:
    """After so many calls, so many times, and then well again."""
    getattr(fake, trouble)(after=2, times=2)
    for fails in (False, False, True, True, False, False):
        if fails:
            with pytest.raises(KeyProviderError) as caught:
                fake.generate(context)
            assert caught.value.retryable is retryable
        else:
            fake.generate(context)
    assert fake.generated == 6


def test_it_fails_until_it_recovers(fake: FakeKms, context: Context) -> None:
    """Without `times`, for ever."""
    fake.deny()
    for _ in range(3):
        with pytest.raises(KeyProviderError):
            fake.generate(context)
    fake.recover()
    fake.generate(context)


def test_it_delays(fake: FakeKms, context: Context) -> None:
    """Each call by so much, several at once together."""
    fake.delay = 0.05
    began = time.monotonic()
    DirectKeyring(fake).issue([(context, 10)], here)
    assert 0.05 <= time.monotonic() - began < 0.3
    assert fake.most_at_once > 1


def test_it_binds_to_the_context_as_kms_does(fake: FakeKms, context: Context) -> None:
    """So a test sees what production would do with a cell of another column, or of another key."""
    cells = Envelope(DirectKeyring(fake)).seal_many(["a"], context)
    with pytest.raises(DecryptionError) as caught:
        Envelope(DirectKeyring(fake)).open_many(cells, "t.c")
    assert caught.value.failure is Failure.UNWRAP
    with pytest.raises(DecryptionError) as caught:
        Envelope(DirectKeyring(FakeKms(name="other"))).open_many(cells, context)
    assert caught.value.failure is Failure.UNKNOWN_KEY
