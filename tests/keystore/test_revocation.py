"""A revoked key in another process: refused within `state_seconds`, and at once where it purges."""

from ..fixtures.postgresql import Database
from .revocation import measure


def test_another_process_is_refused_in_time(keys_database: Database) -> None:
    """At the defaults, by a clock that runs a hundred times as fast."""
    url = keys_database.url().render_as_string(hide_password=False)
    (by_time,), (by_purge,) = measure(url, 1, 100.0, seed=1)
    assert 0 <= by_time <= 300 + 100  # a second of real time for a machine that does other things too
    assert 0 <= by_purge < 5
