"""Plaintext that no query shows any more, out of the database's own files."""
