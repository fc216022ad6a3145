"""What the schema `envelope` holds whoever installs there first: itself, and the versions of its parts."""

STATEMENTS: tuple[str, ...] = (
    "SELECT pg_advisory_xact_lock(7262451093118001)",
    "CREATE SCHEMA IF NOT EXISTS envelope",
    """CREATE TABLE IF NOT EXISTS envelope.component (
    name text PRIMARY KEY,
    version integer NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
)""",
)
"""The first of every installation, in one transaction with the rest. All wait for each other by the lock:
IF NOT EXISTS alone lets two of them collide."""


def record_sql(name: str, version: int) -> str:
    """The statement that says a component is of this version, or already of a later one."""
    return f"""INSERT INTO envelope.component (name, version) VALUES ('{name}', {version})
ON CONFLICT (name) DO UPDATE SET version = greatest(component.version, excluded.version)"""  # noqa: S608
