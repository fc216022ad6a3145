"""A column's comment, which goes along when the pair takes its name, and comes back."""

from ..postgres.quoting import block, column_facts, has_columns, identifier, literal, relation
from ..subject.move import Move
from .exchange import authority_is


def carry(move: Move) -> list[str]:
    """Copies a comment between the two of a move in place, to whichever has none. Needs both."""
    if not move.in_place:
        return []
    after = move.handed_over()
    both = f"{authority_is(move, 'pair')} AND {has_columns(after, after.plaintext, after.content)}"
    return [
        block(
            f"IF {both} THEN",
            *_copied(after, after.plaintext, after.content),
            *_copied(after, after.content, after.plaintext),
            "END IF;",
        )
    ]


def _copied(move: Move, origin: str, goal: str) -> list[str]:
    facts = "pg_catalog.col_description(a.attrelid, a.attnum)"
    comment, own = (f"({column_facts(move, name, facts)})" for name in (origin, goal))
    command = f"COMMENT ON COLUMN {relation(move)}.{identifier(goal)} IS "
    return [
        f"IF {comment} IS NOT NULL AND {own} IS NULL THEN",
        f"EXECUTE {literal(command)} || pg_catalog.quote_literal({comment});",
        "END IF;",
    ]
