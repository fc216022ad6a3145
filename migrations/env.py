"""What Alembic runs: its own template, and two lines for encrypted columns."""

import os

from alembic import context
from sqlalchemy import Connection, MetaData, create_engine, pool

from migrations.model import Base
from sqlalchemy_envelope.alembic import render_item  # also brings op.encrypt_column and its steps

config = context.config
target_metadata: MetaData = config.attributes.get("target_metadata", Base.metadata)


def url() -> str:
    """From `-x url=`, `sqlalchemy.url` of the configuration, or `DATABASE_URL`."""
    given = context.get_x_argument(as_dictionary=True).get("url")
    found = given or config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_URL")
    if not found:
        raise SystemExit("which database? give -x url=..., sqlalchemy.url or DATABASE_URL")
    return found


def run_offline() -> None:
    """Print the SQL."""
    context.configure(url=url(), target_metadata=target_metadata, literal_binds=True, render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()


def run_online(connection: Connection) -> None:
    """Run the SQL."""
    context.configure(connection=connection, target_metadata=target_metadata, render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    with create_engine(url(), poolclass=pool.NullPool).connect() as connection:
        run_online(connection)
