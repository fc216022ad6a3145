"""Alembic's transaction: where an operation can't step outside it, one error says so before it begins."""

import psycopg
import pytest

from sqlalchemy_envelope import ConfigurationError

from .project import ADDRESSES, ENV, Project

RUN = """    with context.begin_transaction():
        context.run_migrations()
"""

IMPOSSIBLE = {
    "an outer transaction": (
        ENV.replace(
            "        run(connection)", "        with connection.begin():\n            run(connection)"
        ),
        "a transaction was open before context.configure",
    ),
    "a connection that was used": (
        ENV.replace(
            "        run(connection)",
            "        connection.exec_driver_sql('select 1')\n        run(connection)",
        ),
        "a connection on which nothing has been executed yet",
    ),
    "no begin_transaction": (
        ENV.replace(RUN, "    context.run_migrations()\n", 1),
        r"with context.begin_transaction\(\)",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.parametrize("operation", ["encrypt_column", "add_encrypted_pair"])
def test_it_is_refused_before_anything_happens(project: Project, case: str, operation: str) -> None:
    """The database is as it was, to the last column."""
    environment, message = IMPOSSIBLE[case]
    project.environment(environment)
    project.customers()
    project.revision(f"op.{operation}('customer', 'email')")
    with pytest.raises(ConfigurationError, match=message):
        project.upgrade()
    assert project.columns() == {"email": ("text", False)}
    assert project.execute("select to_regnamespace('envelope')") == [(None,)]


def test_another_database_is_refused(project: Project) -> None:
    """An operation of ours is for PostgreSQL."""
    project.config.attributes["url"] = "sqlite://"
    project.revision("op.encrypt_column('customer', 'email')")
    with pytest.raises(ConfigurationError, match=r"op\.encrypt_column needs PostgreSQL, not sqlite"):
        project.upgrade()


def test_a_transaction_for_each_migration_may_be_left_out(project: Project) -> None:
    """With `transaction_per_migration` Alembic begins one by itself."""
    project.options["transaction_per_migration"] = True
    project.environment(ENV.replace(RUN, "    context.run_migrations()\n    connection.commit()\n", 1))
    project.customers()
    project.revision("op.encrypt_column('customer', 'email')")
    project.upgrade()
    assert project.emails() == ADDRESSES


def test_a_database_that_its_url_does_not_tell(project: Project) -> None:
    """`context.configure(envelope_database=...)`, as for an engine with `creator=`."""
    url = project.database.url()
    project.config.attributes["connect"] = lambda: psycopg.connect(project.database.dsn)
    project.environment(
        ENV.replace(
            'create_engine(attributes["url"],',
            'create_engine("postgresql+psycopg://", creator=attributes["connect"],',
        )
    )
    project.options["envelope_database"] = url
    project.customers()
    project.revision("op.encrypt_column('customer', 'email')")
    project.upgrade()
    assert project.emails() == ADDRESSES


def test_what_fails_later_in_a_revision_leaves_a_move_that_goes_on(project: Project) -> None:
    """The column is moved, the revision is not stamped: it is run again."""
    project.customers()
    project.revision("op.encrypt_column('customer', 'email')\nop.execute('select 1/(select 0 from broken)')")
    with pytest.raises(Exception, match="broken"):
        project.upgrade()
    project.execute("create table broken as select 1")
    project.correct("r1", "0 from broken", "1 from broken")
    project.upgrade()
    assert project.emails() == ADDRESSES
    assert project.execute("select version_num from alembic_version") == [("r1",)]
