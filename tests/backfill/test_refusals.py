"""What can't be moved is refused before anything is done, with table, column and remedy."""

import psycopg
import pytest

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.backfill.ddl import trigger
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.plan.refusals import check_columns, check_table
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.postgres.relation import inspect
from sqlalchemy_envelope.backfill.record import moves
from sqlalchemy_envelope.backfill.rows.sources import CallableSource
from sqlalchemy_envelope.backfill.subject.move import Authority, Move

from ..fixtures.postgresql import Database
from .conftest import MakeWorld
from .world import World, envelope

MOVE = Move.plan("t", "email")

TABLES = {
    "no key": ("CREATE TABLE t (id int, email text)", "has no key"),
    "a unique key that takes NULL": ("CREATE TABLE t (id int UNIQUE, email text)", "has no key"),
    "a unique key of some rows": (
        "CREATE TABLE t (id int NOT NULL, email text); CREATE UNIQUE INDEX ON t (id) WHERE id > 0",
        "has no key",
    ),
    "a unique key of an expression": (
        "CREATE TABLE t (id int NOT NULL, email text); CREATE UNIQUE INDEX ON t ((id + 1))",
        "has no key",
    ),
    "a key both up and down": (
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL, email text); CREATE UNIQUE INDEX ON t (a, b DESC)",
        "has no key",
    ),
    "the column as the only key": ("CREATE TABLE t (email text NOT NULL UNIQUE)", "has no key"),
    "the column as the primary key": ("CREATE TABLE t (email text PRIMARY KEY)", "in the primary key"),
    "the column in the primary key": (
        "CREATE TABLE t (id int NOT NULL UNIQUE, email text, PRIMARY KEY (id, email))",
        "in the primary key",
    ),
    "the column as the partition key": (
        "CREATE TABLE t (id int, email text) PARTITION BY HASH (email)",
        "partitioned by it",
    ),
    "the column in a partition expression": (
        "CREATE TABLE t (id int, email text) PARTITION BY HASH ((lower(email)))",
        "partitioned by it",
    ),
    "the column as the key of a partition's partitions": (
        """CREATE TABLE t (id int, email text, PRIMARY KEY (id, email)) PARTITION BY RANGE (id);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9) PARTITION BY HASH (email)""",
        "partitioned by it",
    ),
    "replica identity full": (
        "CREATE TABLE t (id int PRIMARY KEY, email text); ALTER TABLE t REPLICA IDENTITY FULL",
        "REPLICA IDENTITY FULL",
    ),
    "a partition's replica identity full": (
        """CREATE TABLE t (id int PRIMARY KEY, email text) PARTITION BY RANGE (id);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9); ALTER TABLE t1 REPLICA IDENTITY FULL""",
        "REPLICA IDENTITY FULL",
    ),
    "a partition": (
        """CREATE TABLE whole (id int PRIMARY KEY, email text) PARTITION BY RANGE (id);
        CREATE TABLE t PARTITION OF whole FOR VALUES FROM (0) TO (9)""",
        "is a partition; move that of whole",
    ),
    "heirs": (
        "CREATE TABLE t (id int PRIMARY KEY, email text); CREATE TABLE heir () INHERITS (t)",
        "inherit from",
    ),
    "a view": ("CREATE VIEW t AS SELECT 1 AS id, 'x'::text AS email", "no table of this database"),
    "no table": ("SELECT 1", "there is no table"),
}

COLUMNS = {
    "no column": ("CREATE TABLE t (id int PRIMARY KEY, mail text)", "has no column email"),
    "a generated column": (
        "CREATE TABLE t (id int PRIMARY KEY, email text GENERATED ALWAYS AS ('x' || id) STORED)",
        "generated",
    ),
    "a number": ("CREATE TABLE t (id int PRIMARY KEY, email int)", "does not hold text"),
    "bytes": ("CREATE TABLE t (id int PRIMARY KEY, email bytea)", "does not hold text"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_refused(database: Database, case: str) -> None:
    """With its name and the column's."""
    ddl, words = TABLES[case]
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(ddl.encode())
        with pytest.raises(ConfigurationError, match=words) as caught:
            check_table(inspect(connection, MOVE), MOVE)
    assert "t.email: " in str(caught.value)


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_is_refused(database: Database, case: str) -> None:
    """Before its pair is made."""
    ddl, words = COLUMNS[case]
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(ddl.encode())
        with pytest.raises(ConfigurationError, match=words):
            check_columns(inspect(connection, MOVE), MOVE, pair=False, source=False)


@pytest.mark.parametrize(
    "case", ["no key", "a partition", "a view", "no column", "a generated column", "a number"]
)
def test_a_move_is_refused_before_its_pair_is_made(database: Database, case: str) -> None:
    """Nothing is recorded of it, and its table has no column more."""
    url = database.url().render_as_string(hide_password=False)
    ddl, words = (TABLES | COLUMNS)[case]
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(ddl.encode())
        with pytest.raises(ConfigurationError, match=words):
            whole.begin(Place.of(url), MOVE)
        assert moves.recorded(connection) == []
        count = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 2"
        assert connection.execute(count.encode()).fetchone() == (0,)


@pytest.mark.parametrize("type_", ["text", "varchar(20)", "char(20)", "name", "mail"])
def test_every_kind_of_text_passes(database: Database, type_: str) -> None:
    """A domain over text too."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(
            f"CREATE DOMAIN mail AS text; CREATE TABLE t (id int PRIMARY KEY, email {type_})".encode()
        )
        check_columns(inspect(connection, MOVE), MOVE, pair=False, source=False)


def test_any_type_passes_with_a_source(database: Database) -> None:
    """The source says what its values are."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, email int)")
        check_columns(inspect(connection, MOVE), MOVE, pair=False, source=True)


def test_replica_identity_full_passes_when_acknowledged(world: World) -> None:
    """By a word of the caller's."""
    world.execute("ALTER TABLE customer REPLICA IDENTITY FULL")
    world.fill(3)
    with pytest.raises(ConfigurationError, match="REPLICA IDENTITY FULL"):
        world.run()
    assert world.run(allow_replica_identity_full=True).rows_done == 3


def test_a_column_without_its_pair_is_refused(world: World) -> None:
    """The record alone does not make one."""
    world.execute("ALTER TABLE customer DROP COLUMN email_encrypted_dek CASCADE")
    with pytest.raises(ConfigurationError, match="has no column email_encrypted_dek"):
        world.run()


def test_a_pair_of_another_type_is_refused(world: World) -> None:
    """Both cells are bytea."""
    world.execute("ALTER TABLE customer DROP COLUMN email_encrypted CASCADE, ADD COLUMN email_encrypted text")
    with pytest.raises(ConfigurationError, match="must be bytea"):
        world.run()


@pytest.mark.parametrize("how", ["absent", "disabled"])
def test_a_job_without_the_trigger_is_refused(world: World, how: str) -> None:
    """A writer that knows only the plaintext would be lost."""
    if how == "absent":
        world.apply(trigger.drop_trigger(world.move))
    else:
        world.execute("ALTER TABLE customer DISABLE TRIGGER ALL")
    with pytest.raises(ConfigurationError, match="no enabled invalidate trigger"):
        world.run()


@pytest.mark.parametrize(
    ("kind", "authority"),
    [("encrypt", Authority.PAIR), ("decrypt", Authority.PLAINTEXT), ("null", Authority.PLAINTEXT)],
)
def test_a_job_against_the_truth_is_refused(world: World, kind: str, authority: Authority) -> None:
    """What holds the truth is never overwritten."""
    world.give_authority(authority)
    with pytest.raises(ConfigurationError, match="holds the truth now"):
        world.run(kind)


def test_a_column_that_can_not_be_null_is_not_nulled(make_world: MakeWorld) -> None:
    """Said before the first batch fails."""
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL)")
    world.give_authority(Authority.PAIR)
    with pytest.raises(ConfigurationError, match="NOT NULL"):
        world.run("null")


def test_a_refusal_leaves_the_job_as_it_was(world: World) -> None:
    """It has not begun."""
    world.execute("ALTER TABLE customer REPLICA IDENTITY FULL")
    with pytest.raises(ConfigurationError):
        world.run()
    assert world.job().state == "ready"
    assert world.job().started_at is None


def test_unknown_jobs_and_sources_are_refused(world: World) -> None:
    """By a word on what to name."""
    with pytest.raises(ConfigurationError, match="there is no job 99"):
        run(world.database, 99, envelope)
    job = world.job(source="nowhere:source")
    with pytest.raises(ConfigurationError, match="nowhere:source"):
        run(world.database, job.id, envelope)
    with pytest.raises(ConfigurationError, match="workers"):
        run(world.database, job.id, envelope, source=CallableSource(str), workers=0)
    with pytest.raises(ConfigurationError, match="needs PostgreSQL"):
        run(Place.of("sqlite://"), job.id, envelope)
