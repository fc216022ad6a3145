"""For applications' tests: a KMS that counts and fails on demand, and pytest fixtures of it.

`pytest_plugins = ["sqlalchemy_envelope.testing"]` in a `conftest.py` gives the fixtures `fake_kms` and
`envelope`. Without pytest, `FakeKms` and `kms_calls` work all the same.

PYTEST_DONT_REWRITE: nothing here asserts, and pytest would warn where a `conftest.py` imports this as well.
"""

from .counting import kms_calls
from .fake_kms import FakeKms

__all__ = ["FakeKms", "kms_calls"]

try:
    from .fixtures import envelope, fake_kms
except ModuleNotFoundError:  # no pytest, no fixtures
    pass
else:
    __all__ += ["envelope", "fake_kms"]
