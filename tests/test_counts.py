"""What is counted by hand under valgrind still runs: the paths alone, without it."""

from benchmarks.paths import every_path, prepared

from .fixtures.postgresql import Database


def test_each_path_runs(database: Database) -> None:
    """With two rows, and a second time, as it is when it is counted."""
    url = database.url().render_as_string(hide_password=False)
    for path in every_path():
        with prepared(path, 2, url) as work:
            work()
            work()
