"""Identifiers as they stand in SQL text that psycopg reads with parameters."""

from .quoting import identifier


def quoted(name: str) -> str:
    """A quoted identifier. A percent sign is doubled: psycopg would take it for a placeholder."""
    return identifier(name).replace("%", "%%")


def qualified(schema: str, name: str) -> str:
    """A quoted name with its schema."""
    return f"{quoted(schema)}.{quoted(name)}"
