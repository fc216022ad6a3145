"""No single bit of either cell can be turned without being noticed."""

from collections import Counter

import pytest

from .flips import SAMPLES, outcomes


@pytest.mark.parametrize("name", SAMPLES)
def test_every_single_bit_flip_is_refused(name):
    """Over both cells, apart and read as one, with a declared failure each time."""
    sample = SAMPLES[name]
    counts = Counter(outcomes(sample))
    assert counts["OPENED"] == 0
    assert counts.total() == 2 * 8 * (len(sample.dek or b"") + len(sample.content or b""))
