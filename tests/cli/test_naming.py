"""How the user names a database, a column and an object of their own."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from sqlalchemy_envelope import ConfigurationError, Envelope
from sqlalchemy_envelope.cli.keys import Keys
from sqlalchemy_envelope.cli.loading import loaded
from sqlalchemy_envelope.cli.target import Place, job_number
from sqlalchemy_envelope.cli.url import database_of


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"],
)
def test_any_postgresql_url_will_do(scheme: str) -> None:
    """Whatever driver the application itself uses."""
    database = database_of(f"{scheme}://me:pw@host:5433/clinic")
    assert database.url == "postgresql+psycopg://me:pw@host:5433/clinic"


def test_what_only_another_driver_knows_is_left_out() -> None:
    """asyncpg's `ssl` is libpq's `sslmode`."""
    database = database_of("postgresql+asyncpg://me@host/clinic?ssl=require&prepared_statement_cache_size=0")
    assert dict(make_url(database.url).query) == {"sslmode": "require"}


@pytest.mark.parametrize(
    "given",
    [None, "", "hunter2", "postgresql://me:hunter2@host:port/db", "postgresql://me:hunter2@x@host/db"],
)
def test_what_is_no_url_is_not_repeated(given: str | None) -> None:
    """It may be a password."""
    with pytest.raises(ConfigurationError) as raised:
        database_of(given)
    assert "hunter2" not in str(raised.value)


def test_another_database_is_refused() -> None:
    """By its name."""
    with pytest.raises(ConfigurationError, match="PostgreSQL, not sqlite"):
        database_of("sqlite:///x")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("customer.email", Place(None, "customer", "email")),
        ("crm.customer.email", Place("crm", "customer", "email")),
        ('"my.table"."a ""b"""', Place(None, "my.table", 'a "b"')),
        ('crm."Customer".email', Place("crm", "Customer", "email")),
    ],
)
def test_a_column_is_named_as_in_sql(words: str, place: Place) -> None:
    """Quoted where a name has a dot in it."""
    assert Place.parse(words) == place


@pytest.mark.parametrize("words", ["customer.email", '"my.table"."a ""b"""', "Crm.Order x.email"])
def test_a_column_is_told_as_it_may_be_named(words: str) -> None:
    """What a command printed is what the next one takes."""
    assert str(Place.parse(words)) == words


@pytest.mark.parametrize("words", ["customer", "a.b.c.d", "customer.", ".email", "", 'x."y'])
def test_what_is_no_column_is_refused(words: str) -> None:
    """With the form that is one."""
    with pytest.raises(ConfigurationError, match=r"TABLE\.COLUMN"):
        Place.parse(words)


def test_a_job_is_a_number() -> None:
    """And nothing else is."""
    assert (job_number("12"), job_number("customer.email"), job_number("²")) == (12, None, None)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own in the working directory; its name."""
    (tmp_path / "own_keys.py").write_text(
        "import base64\n"
        "from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey\n"
        "def make():\n"
        "    return Envelope(DirectKeyring(StaticKey(base64.b64encode(bytes(range(32))).decode())))\n"
        "envelope = make()\n"
        "number = 7\n"
    )
    (tmp_path / "broken_keys.py").write_text("raise RuntimeError('hunter2')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return "own_keys"


@pytest.mark.parametrize("attribute", ["envelope", "make"])
def test_an_envelope_is_an_object_or_a_function(module: str, attribute: str) -> None:
    """Found from the working directory, as the application's own modules are."""
    assert isinstance(Keys(f"{module}:{attribute}")(), Envelope)


@pytest.mark.parametrize(
    "named", ["own_keys", "own_keys:", "own_keys:missing", "absent:x", "own_keys:number"]
)
def test_what_is_no_envelope_is_refused(module: str, named: str) -> None:
    """With the option's name."""
    with pytest.raises(ConfigurationError, match="--envelope"):
        Keys(named)()


def test_what_a_module_raises_is_not_repeated(module: str) -> None:
    """It may hold a key."""
    with pytest.raises(ConfigurationError, match="RuntimeError") as raised:
        loaded("broken_keys:envelope", "--envelope")
    assert "hunter2" not in str(raised.value)
