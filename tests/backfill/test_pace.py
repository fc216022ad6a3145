"""How fast a job is: the size of a batch, patience, and what is waited for between batches."""

import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.backfill.batches.checkpoint import Progress
from sqlalchemy_envelope.backfill.job.throttle import Load, Throttle, look, weigh
from sqlalchemy_envelope.backfill.plan.pace import Pace, Patience, Size

from .world import World

IDLE = Load(None, None, False)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 10**6)), max_size=30))
def test_a_batch_stays_within_its_bounds(seen):
    """And changes at most twofold, unless its bytes say otherwise."""
    pace = Pace(least=100, most=5_000, most_bytes=10**7)
    size = Size(pace)
    for seconds, each in seen:
        before = size.rows
        size.learn(before, seconds, before, before * each)
        assert size.rows <= 5_000
        assert size.rows * each <= 10**7 or size.rows == 1
        assert size.rows <= max(2 * before, 100)


def test_a_batch_comes_to_take_its_target():
    """At a steady speed, whatever it began with."""
    for speed in (500, 5_000, 12_000):
        size = Size(Pace(target=0.3, most=5_000))
        for _ in range(12):
            size.learn(size.rows, size.rows / speed, size.rows, 0)
        assert size.rows == pytest.approx(speed * 0.3, rel=0.02)


def test_a_pace_that_can_not_be_is_refused():
    """At once."""
    for wrong in ({"least": 10, "most": 5}, {"least": 0}, {"target": 0.0}, {"most_bytes": 0}, {"sweeps": 0}):
        with pytest.raises(ConfigurationError, match="pace"):
            Pace(**wrong)


def test_patience_waits_longer_each_time_and_ends():
    """And begins anew when something was done."""
    patience = Patience(0.05)
    first, second = patience.delay(), patience.delay()
    assert first is not None
    assert second is not None
    assert 0.05 <= first <= 0.15
    assert 0.1 <= second <= 0.3
    time.sleep(0.06)
    assert patience.delay() is None
    patience.renew()
    assert patience.delay() is not None


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (IDLE, ""),
        (Load(9.0, 42, False), ""),
        (Load(11.0, 0, False), "replica"),
        (Load(0.0, 43, False), "archiver"),
        (Load(None, None, True), "vacuum"),
    ],
)
def test_a_load_is_weighed(load: Load, words: str) -> None:
    """Against the pace, and not at all where that says so."""
    assert words in weigh(load, Pace(), 0.0)
    assert bool(words) == bool(weigh(load, Pace(), 0.0))
    assert weigh(load, Pace(replica_lag=None, archive_backlog=None, vacuum=None), 0.0) == ""


def test_a_vacuum_is_waited_for_only_so_long() -> None:
    """It may take hours."""
    assert weigh(Load(None, None, True), Pace(vacuum=60.0), 61.0) == ""


def test_an_idle_server_has_no_load(world: World) -> None:
    """No replica, no archive, no vacuum."""
    assert look(world.connection, [1]) == IDLE


def test_a_vacuum_of_the_table_is_seen_and_waited_for(world: World) -> None:
    """And told to whoever listens."""
    world.fill(1_500)
    world.execute("UPDATE customer SET visits = 1")
    seen = list[Progress]()
    oid = world.value("SELECT 'customer'::regclass::oid")
    with closing(world.database.connect("vacuum")) as other:
        other.execute("SET vacuum_cost_delay = 50; SET vacuum_cost_limit = 1")
        thread = threading.Thread(target=lambda: other.execute("VACUUM (INDEX_CLEANUP ON) customer"))
        thread.start()
        while not look(world.connection, [oid]).vacuuming:
            time.sleep(0.001)
        report = world.run(progress=seen.append)
        thread.join()
    assert report.state == "done"
    assert "a vacuum of the table" in {each.waiting_for for each in seen}


def test_a_throttle_looks_now_and_then(world: World) -> None:
    """Not with every batch, and never where nothing is to be waited for."""
    throttle = Throttle(world.connection, [], Pace(replica_lag=-1.0))
    blind = Throttle(world.connection, [], Pace(replica_lag=None, archive_backlog=None, vacuum=None))
    assert (throttle.reason(), throttle.reason(), blind.reason()) == ("a replica that lags", "", "")
