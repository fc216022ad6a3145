"""Ten minutes without KMS, in a simulation small enough for every run."""

from .outage import simulate


def test_an_outage_that_is_borne_is_not_noticed_by_readers() -> None:
    """Nor does anyone need a restart afterwards; a process that starts meanwhile is out of luck."""
    found = simulate(8, seed=1, borne=600.0)
    assert found.reads.good == found.reads.all > 0
    assert found.cold.good == 0
    assert found.after.good == found.after.all == 8
