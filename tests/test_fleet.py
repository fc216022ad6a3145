"""The simulation of a fleet agrees with arithmetic, where that can be done."""

import random

from benchmarks.fleet import HOUR, Fleet, default_terms, simulate


def test_the_steady_rate_is_that_of_a_renewal_process() -> None:
    """A key is asked for again at the first request after 0.8 of its time, on average."""
    random.seed(1)
    fleet, terms = Fleet(tenants=60, sample=10, steady=5 * HOUR), default_terms()
    assert (terms.state_seconds, terms.kms_seconds) == (300.0, 3600.0)
    expected = sum(fleet.processes / (0.8 * terms.kms_seconds + 1 / rate) for rate in fleet.rates)
    seen = simulate(fleet, terms)
    assert 0.9 < seen.steady / expected < 1.1
    assert seen.deploy_peak > seen.steady
    again = fleet.processes / terms.state_seconds
    assert again < seen.queries < 3 * again
