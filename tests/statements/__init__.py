"""Every shape of statement that SQLAlchemy offers, run on encrypted columns and on plain twins of them.

A shape either works, with the very result that the twin gives, or is refused before anything is sent.
`docs/statements.md` is written from this catalogue: `python -m tests.statements --write docs/statements.md`.
"""
