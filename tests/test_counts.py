"""What `benchmarks.counts` counts by valgrind still runs: the paths alone, without it."""

import pytest

from benchmarks.counts import main, parts_of
from benchmarks.paths import LIBRARY_CALLS, every_path, prepared

from .fixtures.postgresql import Database


def test_each_path_runs(database: Database) -> None:
    """With two rows, and a second time, as it is when it is counted."""
    url = database.url().render_as_string(hide_password=False)
    for path in every_path():
        with prepared(path, 2, url) as work:
            work()
            work()


def test_parts_make_up_the_whole() -> None:
    """Also where a row of bytea costs as much as one that is encrypted."""
    seen = {path: 50.0 if "bytea" in path else 100.0 for path in every_path()}
    seen |= dict.fromkeys(LIBRARY_CALLS, 10.0) | {"ORM add_all: bytea": 99.0}
    parts = parts_of(seen)
    assert all(sum(each) == pytest.approx(100) and min(each) >= 0 for each in parts.values())
    assert [parts[name] for name in ("Core select", "ORM add_all")] == [(50, 40, 10), (60, 40, 0)]


@pytest.mark.parametrize(
    ("given", "said"),
    [(["no such path"], "no path's name contains"), (["--rows", "0"], "at least 1"), ([], "valgrind")],
)
def test_what_can_not_be_counted_is_told_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    """In one line, where nothing has been started yet."""
    monkeypatch.setattr("sys.argv", ["counts", *given])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)
