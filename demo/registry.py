"""The schema `envelope`, where moves and keys are recorded: on one's own server it is left as found."""

from sqlalchemy import Connection, text

OURS = text(
    "SELECT DISTINCT p.oid::regprocedure::text FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid"
    " JOIN pg_class AS c ON c.oid = t.tgrelid"
    " WHERE p.pronamespace = to_regnamespace('envelope') AND c.relnamespace = to_regnamespace(:schema)"
)
"""Functions of triggers on the tables of a schema."""

TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'envelope'")

FORGET = {
    "move": (
        "DELETE FROM envelope.job USING envelope.move WHERE move.id = job.move AND move.schema = :schema",
        "DELETE FROM envelope.move WHERE move.schema = :schema",
    ),
    "key": (
        "DELETE FROM envelope.key WHERE tenant LIKE '%@' || :schema",
        "DELETE FROM envelope.key_receipt WHERE tenant LIKE '%@' || :schema",
    ),
}
"""By the table that must be there."""

KEY_TABLES = ("key_receipt", "key")


def tenant_of(name: str, schema: str) -> str:
    """A tenant of the demo's: no other application on the server has one of that name."""
    return f"{name}@{schema}"


def tables(connection: Connection) -> set[str] | None:
    """The tables of the schema; None where there is no such schema."""
    if connection.execute(text("SELECT to_regnamespace('envelope') IS NULL")).scalar_one():
        return None
    return set(connection.execute(TABLES).scalars())


def forget(connection: Connection, schema: str, before: set[str] | None) -> None:
    """Remove what was recorded of a schema's tables, before that is dropped: its triggers name the functions.

    And what was not there `before`, where it holds nothing of others: tables of keys, or `envelope` itself.
    """
    now = tables(connection)
    if now is None:
        return
    for (function,) in connection.execute(OURS, {"schema": schema}).all():
        connection.execute(text(f"DROP FUNCTION {function} CASCADE"))
    for table in FORGET.keys() & now:
        for statement in FORGET[table]:
            connection.execute(text(statement), {"schema": schema})
    others = {each for each in FORGET.keys() & now if _has_rows(connection, each)}
    if before is None and not others:
        connection.execute(text("DROP SCHEMA envelope CASCADE"))
    elif before is not None and "key" in now - before - others:
        for table in KEY_TABLES:
            connection.execute(text(f"DROP TABLE envelope.{table}"))
        connection.execute(text("DELETE FROM envelope.component WHERE name = 'keys'"))


def _has_rows(connection: Connection, table: str) -> bool:
    return connection.execute(text(f"SELECT EXISTS (SELECT FROM envelope.{table})")).scalar_one() is True
