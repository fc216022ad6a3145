"""Alembic: the operations that move a column, on the real server, and what autogenerate proposes."""
