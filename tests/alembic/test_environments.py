"""Async environments, pytest-alembic, and an `env.py` that runs many times in one process."""

import pytest
from pytest_alembic.config import Config as RunnerConfig
from pytest_alembic.runner import runner
from sqlalchemy import create_engine

from .project import ADDRESSES, ENV, Project

ASYNC = """
import asyncio

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

import sqlalchemy_envelope.alembic

attributes = context.config.attributes

def run(connection):
    context.configure(connection=connection, target_metadata=attributes["metadata"], **attributes["options"])
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(attributes["url"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""

GIVEN = (
    ENV.replace('create_engine(attributes["url"], poolclass=pool.NullPool)', 'attributes["connection"]')
    .replace(', **attributes["options"]', "")
    .replace('target_metadata=attributes["metadata"]', "target_metadata=None")
)


@pytest.mark.parametrize("per_migration", [False, True])
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_environment(project: Project, driver: str, per_migration: bool) -> None:
    """`run_sync`, as Alembic's own template has it; backfills have connections of their own."""
    project.environment(ASYNC)
    project.config.attributes["url"] = project.database.url(driver)
    project.options["transaction_per_migration"] = per_migration
    project.customers()
    project.revision("pass")
    project.revision("op.encrypt_column('customer', 'email')", "op.decrypt_column('customer', 'email')")
    project.upgrade()
    assert project.emails() == ADDRESSES
    project.downgrade("r1")
    assert project.plain() == ADDRESSES


def test_pytest_alembic_goes_up_and_down(
    project: Project, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Its runner gives env.py an engine, and takes one revision at a time."""
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", bytes(range(32)).hex())
    project.environment(GIVEN)
    project.revision(
        'op.execute("create table customer (id int primary key generated always as identity, email text)")',
        'op.drop_table("customer")',
    )
    project.revision("op.encrypt_column('customer', 'email')", "op.decrypt_column('customer', 'email')")
    project.revision("op.drop_plaintext('customer', 'email')", "op.restore_plaintext('customer', 'email')")
    engine = create_engine(project.database.url())
    config = RunnerConfig.from_raw_config(
        {
            "script_location": str(project.folder),
            "before_revision_data": {"r2": {"__tablename__": "customer", "email": "ada@example.org"}},
        }
    )
    request.addfinalizer(engine.dispose)
    with runner(config, engine=engine) as run:
        run.migrate_up_to("heads")
        assert project.columns().keys() == {"email", "email_dek"}
        run.migrate_down_to("r1")
        assert project.plain() == ["ada@example.org"]
        run.migrate_up_to("heads")
        assert project.emails() == ["ada@example.org"] * 2  # its data came once more
        run.migrate_down_to("base")


def test_an_environment_runs_many_times(project: Project) -> None:
    """Operations and comparators are registered once, by import."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email')", "op.decrypt_column('customer', 'email')")
    for _ in range(3):
        project.upgrade()
        project.downgrade("base")
    assert project.plain() == ADDRESSES
