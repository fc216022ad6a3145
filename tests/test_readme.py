"""The README is run as it stands: its Python in one namespace, and each row of its table of statements."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sqlalchemy_envelope import DirectKeyring, Envelope, UnsupportedStatementError
from sqlalchemy_envelope.testing import FakeKms

from .documents import ROOT, Names, running
from .fixtures.postgresql import Database

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(?P<code>[^`]+)` \| (?P<fate>works|refused)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SHELL_KEY = re.compile(r"python -c '(?P<code>[^']+)'")


@pytest.fixture
def names(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """What the blocks define, once all have run from top to bottom on the test's database."""
    with running(README, database, monkeypatch, {"__name__": "readme"}) as found:
        yield found


def test_every_block_runs(names: Names) -> None:
    """In order, in one namespace, each with the assertions that it shows."""
    assert names["patient"].ssn == "078-05-1120"


def test_every_statement_of_the_table_does_as_it_says(names: Names) -> None:
    """Those that work are run, those that are refused send nothing."""
    fates = [row["fate"] for row in ROW.finditer(TEXT)]
    assert fates.count("works") >= 6
    assert fates.count("refused") >= 8
    engine: Engine = names["engine"]
    for row in ROW.finditer(TEXT):
        assert _fate(engine, row["code"], names) == row["fate"], row["code"]


def _fate(engine: Engine, code: str, names: Names) -> str:
    with Session(engine) as session:
        sent: list[str] = []
        listen = lambda *args: sent.append(args[2])  # noqa: E731 - removed again below
        sqlalchemy.event.listen(engine, "before_cursor_execute", listen)
        try:
            result = session.execute(eval(code, vars(sqlalchemy) | names))
            if getattr(result, "returns_rows", True):
                result.all()
        except UnsupportedStatementError:
            return "sent, then refused" if sent else "refused"
        finally:
            sqlalchemy.event.remove(engine, "before_cursor_execute", listen)
    return "works"


def test_alembic_finds_nothing_to_do(names: Names) -> None:
    """By the README's `env.py`, on the table that `create_all` made."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    script = ScriptDirectory.from_config(config)
    with (
        EnvironmentContext(config, script, fn=lambda *_: []) as environment,
        names["engine"].connect() as connection,
    ):
        names["run_migrations"](connection)
        assert compare_metadata(environment.get_context(), names["Base"].metadata) == []


def test_its_test_passes(names: Names) -> None:
    """The one that it shows for an application's own tests, with what the fixtures give."""
    fake = FakeKms()
    names["test_ten_patients_cost_ten_calls"](Envelope(DirectKeyring(fake)), fake)


def test_its_command_makes_a_key(capsys: pytest.CaptureFixture[str], names: Names) -> None:
    """What it tells to put into the environment is taken as a static key."""
    command = SHELL_KEY.search(TEXT)
    assert command
    exec(command["code"], {})
    assert names["development"](capsys.readouterr().out.strip())


@pytest.mark.parametrize(
    "page", sorted([README, *ROOT.glob("docs/*.md")]), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Of those that stay in this repository."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
