"""`op.create_key_store` and `op.drop_key_store`: the tables of keys come and go with a revision."""

import logging
import warnings
from uuid import UUID

import pytest
from sqlalchemy import Column, MetaData, create_engine
from sqlalchemy.exc import OperationalError

from sqlalchemy_envelope import ConfigurationError, EncryptedText
from sqlalchemy_envelope import alembic as ours
from sqlalchemy_envelope.alembic.versions import FIRST
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.keystore.schema import VERSION
from sqlalchemy_envelope.wire import KeyCell, Wrap

from .project import Project, model
from .test_environments import ASYNC
from .test_operations import rendered
from .test_script import Psql, psql

__all__ = ["psql"]  # the fixture

TABLES = "select array_agg(tablename order by tablename) from pg_tables where schemaname = 'envelope'"
KEY = UUID(int=7)
UNDER_IT = KeyCell(Wrap.KEK, KEY.bytes, bytes(60)).pack()
UNDER_A_STATIC_ONE = KeyCell(Wrap.STATIC, KEY.bytes, bytes(60)).pack()
CONTENT = b"\xec\x03\x01" + bytes(66)


OTHER_LIKE = (
    "create schema own;"
    " create operator own.~~ (leftarg = bytea, rightarg = bytea, function = pg_catalog.bytealike)"
)
"""Where `search_path` leads to it first, PostgreSQL tells a CHECK in other words."""


@pytest.fixture
def made(project: Project) -> Project:
    """A table with an encrypted column, and tables of keys that hold one."""
    table(project)
    project.revision("op.create_key_store()", "op.drop_key_store()")
    project.upgrade()
    project.execute(
        "insert into envelope.key (id, state, wrapped, wrapped_by) values (%s, 'active', %s, %s)",
        (KEY, [UNDER_A_STATIC_ONE], ["static"]),
    )
    return project


def table(project: Project) -> None:
    """One with an encrypted column, with names that have to be quoted."""
    guard = check_sql("my %", 'its "%:key', None).replace('\\:', ':')
    project.execute(f'create table "My Table" (id int, "my %" bytea, "its ""%:key" bytea, check ({guard}))')


def insert(project: Project, dek: bytes) -> None:
    """A row whose data key is wrapped so."""
    project.execute('insert into "My Table" values (1, %s, %s)', (CONTENT, dek))


def test_they_are_data() -> None:
    """Each compares, renders and reverses without a database."""
    create, drop = ours.CreateKeyStoreOp(), ours.DropKeyStoreOp()
    assert (rendered(create), rendered(drop)) == ("op.create_key_store()", "op.drop_key_store()")
    assert isinstance(create.reverse(), ours.DropKeyStoreOp)
    assert isinstance(drop.reverse(), ours.CreateKeyStoreOp)
    assert (create.to_diff_tuple(), repr(drop)) == (("create_key_store",), "op.drop_key_store()")


@pytest.mark.parametrize("per_migration", [False, True])
def test_they_come_and_go_with_a_revision(project: Project, per_migration: bool) -> None:
    """As often as one likes; what else lies in the schema stays."""
    project.options["transaction_per_migration"] = per_migration
    project.revision(
        "op.create_key_store(); op.create_key_store()", "op.drop_key_store(); op.drop_key_store()"
    )
    for _ in range(2):
        project.upgrade()
        assert project.execute(TABLES) == [(["component", "key", "key_receipt"],)]
        assert project.execute("select name, version from envelope.component") == [("keys", VERSION)]
        project.downgrade("base")
        assert project.execute(TABLES) == [(["component"],)]
        assert project.execute("select name from envelope.component") == []


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_environment_makes_and_drops_them(made: Project, driver: str) -> None:
    """`run_sync`; the refusal is the same."""
    made.environment(ASYNC)
    made.config.attributes["url"] = made.database.url(driver)
    insert(made, UNDER_IT)
    with pytest.raises(BackfillError, match="values are under them"):
        made.downgrade("base")
    made.execute('delete from "My Table"')
    made.downgrade("base")
    made.upgrade()
    assert made.execute("select count(*) from envelope.key") == [(0,)]


def test_they_stay_while_a_value_is_under_a_key(made: Project) -> None:
    """It says where and how many; the transaction takes back nothing that was there."""
    insert(made, UNDER_IT)
    insert(made, UNDER_IT)
    insert(made, UNDER_A_STATIC_ONE)
    with pytest.raises(BackfillError, match=r"public\.My Table\.my %: 2; move them"):
        made.downgrade("base")
    assert made.execute("select id from envelope.key") == [(KEY,)]
    made.execute(f'delete from "My Table" where substr("its ""%:key", 1, 3) = \'\\x{UNDER_IT[:3].hex()}\'')
    made.downgrade("base")
    assert made.execute(TABLES) == [(["component"],)]


def test_receipts_outlive_the_keys(made: Project) -> None:
    """Who destroyed what is nothing that a downgrade takes back; made again, they go on."""
    made.execute(
        "insert into envelope.key_receipt (key, act, signed_off_by, reason, rows_affected)"
        f" values ('{KEY}', 'destroy', 'ada', 'asked', '{{}}')"
    )
    made.downgrade("base")
    assert made.execute(TABLES) == [(["component", "key_receipt"],)]
    made.upgrade()
    assert made.execute("select signed_off_by from envelope.key_receipt") == [("ada",)]


def test_a_script_makes_and_drops_them(project: Project, psql: Psql) -> None:
    """In `--sql` mode, fit to run twice, with the same refusal."""
    table(project)
    project.revision("pass")
    project.upgrade()
    project.revision("op.create_key_store()", "op.drop_key_store()")
    up, down = project.upgrade("r1:r2", sql=True), project.downgrade("r2:r1", sql=True)
    psql(up)
    psql(up.replace("UPDATE alembic_version", "-- "))
    insert(project, UNDER_IT)
    project.execute(OTHER_LIKE)
    for setting in ("bytea_output = hex", "bytea_output = escape", "search_path = own, public, pg_catalog"):
        project.execute(f"alter database {project.database.name} set {setting}")
        with pytest.raises(AssertionError, match=r'are under them, .*: public\."My Table"\."its ""%:key": 1'):
            psql(down)
    project.execute('delete from "My Table"')
    psql(down)
    psql(down.replace("UPDATE alembic_version", "-- "))
    assert project.execute(TABLES) == [(["component"],)]


@pytest.mark.parametrize("sql", [False, True])
def test_they_stay_while_rows_are_under_an_index_key(made: Project, psql: Psql, sql: bool) -> None:
    """No search would find those any more. A script counts them too."""
    made.execute("update envelope.key set purpose = 'index:patient.ssn_bidx'")
    made.execute("create table patient (ssn_bidx bytea); create index on patient (ssn_bidx)")
    made.execute("insert into patient values (%s)", (KEY.bytes[:4] + bytes(12),))
    with pytest.raises((BackfillError, AssertionError), match=r"values are under them.*patient\.ssn_bidx: 1"):
        _dropped(made, psql, sql)


@pytest.mark.parametrize("sql", [False, True])
def test_they_stay_while_a_value_is_not_committed(made: Project, psql: Psql, sql: bool) -> None:
    """A process that has its key in hand may write one just now: it is waited for."""
    made.execute(f"alter database {made.database.name} set lock_timeout = '100ms'")
    engine = create_engine(made.database.url())
    with engine.connect() as writer:
        writer.exec_driver_sql('insert into "My Table" values (1, %s, %s)', (CONTENT, UNDER_IT))
        with pytest.raises((OperationalError, AssertionError), match="lock timeout"):
            _dropped(made, psql, sql)
    engine.dispose()


@pytest.mark.parametrize("sql", [False, True])
def test_they_stay_where_an_older_snapshot_would_miss_a_value(made: Project, psql: Psql, sql: bool) -> None:
    """At REPEATABLE READ a migration sees the moment in which it began."""
    made.execute(f"alter database {made.database.name} set default_transaction_isolation = 'repeatable read'")
    with pytest.raises((ConfigurationError, AssertionError), match="READ COMMITTED"):
        _dropped(made, psql, sql)


def test_a_script_counts_no_rows_that_the_role_may_not_see(made: Project, psql: Psql) -> None:
    """It fails rather than take a table for empty whose rows row-level security hides."""
    role = f"{made.database.name}_owner"
    made.execute(
        f"create role {role}; alter schema envelope owner to {role};"
        f" alter table envelope.key owner to {role}; grant create on schema public to {role};"
        f' alter table "My Table" owner to {role}, enable row level security, force row level security'
    )
    insert(made, UNDER_IT)
    script = _script(made)
    with pytest.raises(AssertionError, match="row-level security"):
        psql(f"set role {role};\n{script}")
    made.execute(f"drop owned by {role} cascade; drop role {role}")


def _script(project: Project) -> str:
    return project.downgrade("r1:base", sql=True)


def _dropped(project: Project, psql: Psql, sql: bool) -> None:
    if sql:
        psql(_script(project))
    else:
        project.downgrade("base")


@pytest.mark.parametrize("include_schemas", [False, True])
def test_autogenerate_is_quiet_about_them(
    project: Project, include_schemas: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Their index over an expression included: no difference, no warning, not a line in the log."""
    project.options["include_schemas"] = include_schemas
    project.generate(model(Column("email", EncryptedText())))
    project.revision("op.create_key_store()")
    project.upgrade()
    with warnings.catch_warnings(), caplog.at_level(logging.INFO, "alembic.autogenerate"):
        warnings.simplefilter("error")
        project.check(model(Column("email", EncryptedText())))
    if FIRST:
        assert "envelope" not in caplog.text


def test_another_database_is_refused(project: Project) -> None:
    """In one line."""
    project.config.attributes |= {"url": "sqlite://", "metadata": MetaData()}
    project.revision("op.create_key_store()")
    with pytest.raises(ConfigurationError, match=r"op\.create_key_store needs PostgreSQL, not sqlite"):
        project.upgrade()
