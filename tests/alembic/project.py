"""An Alembic environment of a test's own, with its revisions, on a database with a table of customers."""

import io
from collections.abc import Callable, Sequence
from importlib.util import cache_from_source
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.schema import SchemaItem

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.postgres.database import Database as Reached

from ..fixtures.postgresql import Database


def envelope() -> Envelope:
    """One a database: index keys are bound to theirs."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


ENVELOPE = envelope()

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

import sqlalchemy_envelope.alembic

attributes = context.config.attributes
options = {"render_item": sqlalchemy_envelope.alembic.render_item, **attributes["options"]}

def run(connection):
    context.configure(connection=connection, target_metadata=attributes["metadata"], **options)
    with context.begin_transaction():
        context.run_migrations()

if context.is_offline_mode():
    context.configure(url=attributes["url"], literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(attributes["url"], poolclass=pool.NullPool).connect() as connection:
        run(connection)
"""

MAKO = '''"""${message}"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''

PLAIN = [("Ada", "ada@example.org"), ("Bea", "bea@example.org"), ("Cyd", None)]
"""Customers: one has no address."""


class Project:
    """The environment, and what the tests do with it and its database."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        (folder / "versions").mkdir()
        (folder / "script.py.mako").write_text(MAKO)
        self.config = Config(stdout=io.StringIO())
        self.config.set_main_option("script_location", str(folder))
        self.config.set_main_option("path_separator", "os")
        self.options: dict[str, Any] = {"envelope": envelope}
        self.config.attributes |= {
            "url": database.url(),
            "options": self.options,
            "metadata": MetaData(),
        }
        self.environment(ENV)
        self._count = 0

    @property
    def reached(self) -> Reached:
        """The database, as a backfill knows it."""
        return Reached.of(self.database.url())

    def environment(self, text: str) -> None:
        """Another `env.py`."""
        _write(self.folder / "env.py", text)

    def revision(self, upgrade: str, downgrade: str = "pass") -> str:
        """A revision on top of the others; gives its identifier."""
        self._count += 1
        name, before = f"r{self._count}", f"r{self._count - 1}" if self._count > 1 else None
        text = (
            f'import sqlalchemy as sa\nfrom alembic import op\nrevision = "{name}"\n'
            f"down_revision = {before!r}\n\n"
            f"def upgrade():\n{indent(dedent(upgrade).strip(), '    ')}\n\n"
            f"def downgrade():\n{indent(dedent(downgrade).strip(), '    ')}\n"
        )
        _write(self.folder / "versions" / f"{name}.py", text)
        return name

    def correct(self, name: str, wrong: str, right: str) -> None:
        """Write a revision anew, as someone does whose upgrade failed."""
        script = self.folder / "versions" / f"{name}.py"
        _write(script, script.read_text().replace(wrong, right))

    def generate(self, metadata: MetaData) -> str:
        """Autogenerate a revision for a model; gives its text."""
        self.config.attributes["metadata"] = metadata
        self._count += 1
        script = command.revision(
            self.config, "generated", autogenerate=True, rev_id=f"r{self._count}", head="head"
        )
        assert script is not None
        assert not isinstance(script, list)
        return Path(script.path).read_text()

    def check(self, metadata: MetaData) -> None:
        """`alembic check` for a model."""
        self.config.attributes["metadata"] = metadata
        command.check(self.config)

    def upgrade(self, to: str = "head", *, sql: bool = False) -> str:
        """`alembic upgrade`; gives what it printed."""
        return self._printed(lambda: command.upgrade(self.config, to, sql=sql))

    def downgrade(self, to: str, *, sql: bool = False) -> str:
        """`alembic downgrade`; gives what it printed."""
        return self._printed(lambda: command.downgrade(self.config, to, sql=sql))

    def _printed(self, run: Callable[[], object]) -> str:
        self.config.output_buffer = io.StringIO()
        run()
        return self.config.output_buffer.getvalue()

    def execute(self, statement: str, *parameters: Sequence[Any]) -> list[Any]:
        """One statement by the driver itself, for each of the parameters; gives rows, if there are any."""
        with psycopg.connect(self.database.dsn, autocommit=True) as connection, connection.cursor() as cursor:
            if parameters:
                cursor.executemany(statement.encode(), parameters)
            else:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def customers(
        self, *, email: str = "text", schema: str = "public", values: Sequence[Any] | None = None
    ) -> None:
        """A table of customers with plain addresses, or other values of as many."""
        self.execute(f"create schema if not exists {schema}")
        self.execute(
            f"create table {schema}.customer (id int primary key, name text not null, email {email})"
        )
        required = "not null" in email
        given = zip([name for name, _ in PLAIN], values or ADDRESSES, strict=True)
        rows = [(n, name, mail or "-" if required else mail) for n, (name, mail) in enumerate(given, 1)]
        self.execute(f"insert into {schema}.customer values (%s, %s, %s)", *rows)

    def columns(self, schema: str = "public") -> dict[str, tuple[str, bool]]:
        """The table's columns: type, and whether NOT NULL."""
        rows = self.execute(
            "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid ="
            f" '{schema}.customer'::regclass and attnum > 0 and not attisdropped order by attnum"
        )
        return {name: (type_, required) for name, type_, required in rows if name not in ("id", "name")}

    def emails(self, content: str = "email", schema: str = "public", context: str = "") -> list[str | None]:
        """The pairs of a column, opened, by the order of rows."""
        cells = self.execute(f"select {content}_dek, {content} from {schema}.customer order by id")
        opened = ENVELOPE.open_many(cells, context or f"customer.{content}")
        return [None if value is None else value.decode() for value in opened]

    def plain(self, column: str = "email", schema: str = "public") -> list[Any]:
        """The values of a plain column, by the order of rows."""
        return [value for (value,) in self.execute(f"select {column} from {schema}.customer order by id")]


def _write(script: Path, text: str) -> None:
    """A script, without the bytecode of its last text: Python tells them apart by size and second only."""
    script.write_text(text)
    Path(cache_from_source(str(script))).unlink(missing_ok=True)


ADDRESSES = [address for _, address in PLAIN]


def model(*columns: SchemaItem, schema: str | None = None) -> MetaData:
    """The customers' model with these columns besides its own."""
    metadata = MetaData(schema=schema)
    Table(
        "customer",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False),
        *columns,
    )
    return metadata
