"""Existing data moves over: batches over a live table, from plaintext to pairs and back.

No printing, no Alembic.
"""
