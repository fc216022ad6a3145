"""Whatever the columns hold, reading them raises declared errors only."""

from sqlalchemy_envelope import Failure

from .fuzz import fuzz, parsers


def test_fuzzed_cells_come_to_declared_errors_only():
    """A small run of `python -m tests.fuzz`: each outcome is reached, none is an accident."""
    counts = fuzz(40_000, seed=1)
    assert counts.total() == 40_000
    assert set(counts) == {"valid", *map(str, set(Failure) - {Failure.REVOKED, Failure.SHREDDED})}
    assert len(parsers()) == 12
