"""The worked environment, `migrations/`: plain customers, the move in steps, and the way back."""

import io
import shutil
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from migrations.chinook import customers
from migrations.model import Customer
from sqlalchemy_envelope import Envelope, attach

from ..fixtures.postgresql import Database

EXAMPLE = Path(__file__).parent.parent.parent / "migrations"
PLAIN = "select customer_id, first_name, last_name, country, phone, email from customer order by customer_id"


@pytest.fixture
def config(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The worked environment on a database of its own, with a key in the environment."""
    monkeypatch.setenv("SECRETS_ENCRYPTION_KEY", bytes(range(32)).hex())
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    shutil.copytree(EXAMPLE, tmp_path / "migrations")
    config = Config(tmp_path / "migrations" / "alembic.ini", stdout=io.StringIO())
    config.set_main_option("sqlalchemy.url", database.url().render_as_string(hide_password=False))
    return config


def stored(database: Database) -> list[tuple[object, ...]]:
    """The customers in plain text."""
    with psycopg.connect(database.dsn) as connection:
        return connection.execute(PLAIN).fetchall()


def test_it_goes_there_and_back(config: Config, database: Database) -> None:
    """The model fits in the end, its rows read as Chinook's, and the way back leaves no difference."""
    command.upgrade(config, "head")
    command.check(config)
    engine = create_engine(database.url())
    attach(engine, Envelope.from_env())
    with Session(engine) as session:
        read = [
            {name: getattr(each, name) for name in customers()[0]}
            for each in session.query(Customer).order_by(Customer.customer_id)
        ]
    engine.dispose()
    assert read == customers()
    command.downgrade(config, "0002")
    assert stored(database) == [tuple(each.values()) for each in customers()]
    with psycopg.connect(database.dsn) as connection:
        found = connection.execute(
            "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
            " where attrelid = 'customer'::regclass and attname in ('email', 'phone') order by 1"
        ).fetchall()
    assert found == [("email", "character varying(60)", True), ("phone", "character varying(24)", False)]
    command.downgrade(config, "base")


def test_every_revision_goes_back_by_one(config: Config) -> None:
    """And up again."""
    for step in range(2, 9):
        command.upgrade(config, f"{step:04}")
        command.downgrade(config, "-1")
        command.upgrade(config, "+1")
    command.check(config)


def test_a_fresh_database_needs_a_key_only_for_its_rows(
    config: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So whoever tests an application with an empty database sets none."""
    command.upgrade(config, "0002")
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("delete from customer")
    monkeypatch.delenv("SECRETS_ENCRYPTION_KEY")
    command.upgrade(config, "head")
    command.check(config)


def test_it_prints_its_sql(config: Config) -> None:
    """With a comment where keys are needed, and the rows of nobody but 0002."""
    config.output_buffer = io.StringIO()
    command.upgrade(config, "0002:head", sql=True)
    printed = config.output_buffer.getvalue()
    assert "-- needs keys, or batches: sqlalchemy-envelope backfill customer.phone" in printed
    assert not any(str(each["email"]) in printed for each in customers())
