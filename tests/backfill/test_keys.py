"""Every kind of key: each row is visited once, and a job over it moves every row."""

from dataclasses import dataclass

import pytest

from sqlalchemy_envelope.backfill.job import remaining
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.plan.plan import Plan
from sqlalchemy_envelope.backfill.postgres.relation import inspect
from sqlalchemy_envelope.backfill.subject.move import Move

from .conftest import MakeWorld
from .world import World

ROWS = 300


@dataclass(frozen=True)
class Kept:
    """A table's columns besides `email`, and what fills them from a number `n`."""

    columns: str
    values: str


KEYS = {
    "bigint": Kept("id bigint PRIMARY KEY", "n"),
    "negative": Kept("id int PRIMARY KEY", "n - 150"),
    "uuid": Kept("id uuid PRIMARY KEY", "md5(n::text)::uuid"),
    "text": Kept("id text PRIMARY KEY", "md5(n::text) || E'é\\\\%''\"'"),
    "text of its own collation": Kept('id text COLLATE "C" PRIMARY KEY', "chr(65 + n % 60) || n"),
    "char": Kept("id char(8) PRIMARY KEY", "n::text"),
    "varchar": Kept("id varchar(9) PRIMARY KEY", "'k' || n"),
    "timestamptz": Kept(
        "id timestamptz PRIMARY KEY", "'2024-03-30'::timestamptz + n * interval '1.000001 h'"
    ),
    "timestamp": Kept("id timestamp PRIMARY KEY", "'2024-03-30'::timestamp - n * interval '1.000001 h'"),
    "date": Kept("id date PRIMARY KEY", "'0044-03-15 BC'::date + n * 1000"),
    "interval": Kept("id interval PRIMARY KEY", "n * interval '-1 month 3 days 0.5 seconds'"),
    "numeric": Kept("id numeric(20, 6) PRIMARY KEY", "n / 7.0 - 20"),
    "float": Kept("id float8 PRIMARY KEY", "n / 7.0::float8 - 20"),
    "bytea": Kept("id bytea PRIMARY KEY", "sha256(n::text::bytea)"),
    "boolean and number": Kept("a boolean, b smallint, PRIMARY KEY (a, b)", "n % 2 = 0, n"),
    "composite": Kept("a int, b text, PRIMARY KEY (b, a)", "n % 7, 'b' || n % 60"),
    "of three": Kept("a int, b uuid, c date, PRIMARY KEY (a, b, c)", "n % 3, md5(n::text)::uuid, '2020-1-1'"),
    "inet": Kept("id inet PRIMARY KEY", "'10.0.0.0'::inet + n"),
    "a domain": Kept("id positive PRIMARY KEY", "n"),
    "an enum and a number": Kept(
        "a mood, b int, PRIMARY KEY (a, b)", "(ARRAY['sad','ok']::mood[])[1 + n % 2], n"
    ),
    "unique": Kept("id bigint, code text NOT NULL UNIQUE, PRIMARY KEY (id, email)", "n, 'c' || n"),
    "unique, downwards": Kept("a int NOT NULL, b int NOT NULL", "n % 5, n"),
    "names to be quoted": Kept(
        '"Order" int, "per%cent" int, "a""b" int, PRIMARY KEY ("per%cent", "a""b", "Order")',
        "n, n % 3, n % 5",
    ),
}


@pytest.fixture(params=KEYS)
def keyed(request: pytest.FixtureRequest, make_world: MakeWorld) -> World:
    """A filled table with one kind of key."""
    kept = KEYS[request.param]
    columns = kept.columns.replace(", PRIMARY KEY (id, email)", "")
    world = make_world(
        "CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE mood AS ENUM ('sad', 'ok');"
        f"CREATE TABLE customer ({columns}, email text);"
        + ("CREATE UNIQUE INDEX ON customer (a DESC, b DESC)" if "downwards" in request.param else "")
    )
    filled = f"SELECT {kept.values}, 'somebody' || n FROM generate_series(1, {ROWS}) n"
    world.execute(f"INSERT INTO customer {filled}".replace("%%", "%"))
    return world


def test_a_job_moves_every_row_of_any_key(keyed: World) -> None:
    """By one worker, in batches far smaller than the table, each row once."""
    report = keyed.run(pace=Pace(least=20, most=37))
    assert (report.state, report.rows_done, report.rows_quarantined) == ("done", ROWS, 0)
    assert report.rows_read == ROWS
    assert keyed.wrong() == 0


def test_several_workers_share_any_key(keyed: World) -> None:
    """Over ranges that neither overlap nor leave anything out."""
    report = keyed.run(workers=3)
    assert (report.state, report.rows_done, report.rows_read) == ("done", ROWS, ROWS)
    assert keyed.wrong() == 0


def test_a_pass_goes_over_the_rows_of_any_key(keyed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one look would not say soon enough that nothing is left."""
    monkeypatch.setattr(remaining, "AT_MOST", 0.001)
    monkeypatch.setattr(Plan, "pending", lambda _: "pg_sleep(0.1) IS NULL")
    report = keyed.run(pace=Pace(least=20, most=37))
    assert (report.state, report.rows_done, report.sweeps, report.rows_read) == ("done", ROWS, 2, 2 * ROWS)


def test_the_primary_key_is_taken_first(make_world: MakeWorld) -> None:
    """A unique index only where there is none."""
    world = make_world("CREATE TABLE customer (id bigint PRIMARY KEY, code int NOT NULL UNIQUE, email text)")
    key = inspect(world.connection, world.move).key
    assert key is not None
    assert key.names == ("id",)


def test_a_schema_and_names_that_need_quotes(make_world: MakeWorld) -> None:
    """Names with capitals, quotes, percent signs and spaces, in a schema of their own."""
    move = Move.plan('Cus"tomer %s', "E mail%", schema="Other % schema")
    world = make_world(
        'CREATE SCHEMA "Other % schema";'
        'CREATE TABLE "Other % schema"."Cus""tomer %s" ("i d" int PRIMARY KEY, "E mail%" text)',
        move,
    )
    table = '"Other % schema"."Cus""tomer %s"'
    world.connection.execute(f"INSERT INTO {table} SELECT n, 'x' || n FROM generate_series(1, 50) n".encode())
    assert world.run().rows_done == 50
    assert world.value(f'SELECT count("E mail%_encrypted") FROM {table}') == 50
