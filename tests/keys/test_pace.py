"""Pace: slower when throttled, faster again when not, and no wait beyond a deadline."""

from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope.providers.pace import LEAST_SECONDS, MOST_SECONDS, Pace


def test_there_is_no_pace_until_something_throttles() -> None:
    """Calls begin at once, as many as there are."""
    pace = Pace()
    assert [pace.slot(5.0, 9.0) for _ in range(3)] == [5.0, 5.0, 5.0]


def test_after_throttling_calls_are_spaced() -> None:
    """One by one, by the interval."""
    pace = Pace()
    pace.throttled(0.0)
    assert [pace.slot(1.0, 9.0) for _ in range(3)] == [1.0, 1.0 + LEAST_SECONDS, 1.0 + 2 * LEAST_SECONDS]


def test_calls_throttled_together_count_once() -> None:
    """Fifty refusals of one burst do not mean fifty times slower."""
    pace = Pace()
    for _ in range(50):
        pace.throttled(1.0)
    assert pace.interval == LEAST_SECONDS


def test_success_brings_the_speed_back() -> None:
    """Little by little, to none at all."""
    pace = Pace()
    for at in range(4):
        pace.throttled(float(at))
    assert pace.interval == 8 * LEAST_SECONDS
    for _ in range(60):
        pace.succeeded()
    assert pace.interval == 0.0


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=80), st.floats(0, 2))
def test_no_slot_is_beyond_the_deadline_and_none_of_those_refused_is_kept(
    events: list[tuple[float, bool]], patience: float
) -> None:
    """Whatever happened: a slot is in time or None, and a refused caller does not delay the next."""
    pace, now = Pace(), 0.0
    for seconds, throttled in events:
        now += seconds
        if throttled:
            pace.throttled(now)
        at = pace.slot(now, now + patience)
        if at is None:
            assert pace.slot(now, now + patience) is None
        else:
            assert now <= at <= now + patience
        assert 0 <= pace.interval <= MOST_SECONDS
