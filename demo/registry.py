"""The schema `envelope`, where moves are recorded: on one's own server it is left as it was found."""

from sqlalchemy import Connection, text

OURS = text(
    "SELECT DISTINCT p.oid::regprocedure::text FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid"
    " JOIN pg_class AS c ON c.oid = t.tgrelid"
    " WHERE p.pronamespace = to_regnamespace('envelope') AND c.relnamespace = to_regnamespace(:schema)"
)
"""Functions of triggers on the tables of a schema."""

FORGET = (
    "DELETE FROM envelope.job USING envelope.move WHERE move.id = job.move AND move.schema = :schema",
    "DELETE FROM envelope.move WHERE move.schema = :schema",
)


def exists(connection: Connection) -> bool:
    """Whether there is such a schema."""
    return connection.execute(text("SELECT to_regnamespace('envelope') IS NOT NULL")).scalar_one() is True


def forget(connection: Connection, schema: str, *, existed: bool) -> None:
    """Remove what was recorded of a schema's tables, before that is dropped: its triggers name the functions.

    And `envelope` itself, where it was not there before and holds nobody else's moves.
    """
    if not exists(connection):
        return
    for (function,) in connection.execute(OURS, {"schema": schema}).all():
        connection.execute(text(f"DROP FUNCTION {function} CASCADE"))
    if connection.execute(text("SELECT to_regclass('envelope.move') IS NULL")).scalar_one():
        return
    for statement in FORGET:
        connection.execute(text(statement), {"schema": schema})
    others = connection.execute(text("SELECT EXISTS (SELECT FROM envelope.move)")).scalar_one()
    if not existed and not others:
        connection.execute(text("DROP SCHEMA envelope CASCADE"))
