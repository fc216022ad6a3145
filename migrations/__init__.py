"""A worked Alembic environment for a model with encrypted columns; the tests run it."""
