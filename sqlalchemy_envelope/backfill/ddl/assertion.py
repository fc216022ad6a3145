"""What must be true of a move before its plaintext may go, as literal SQL that raises where it isn't."""

from ..postgres.quoting import block, has_columns, here, identifier, literal, refuse, relation
from ..subject.move import Move
from .exchange import authority_is


def assert_encrypted(move: Move) -> list[str]:
    """Raises where a row is pending, or nothing was verified; works before and after the swap of names."""
    verified = f"SELECT FROM envelope.move WHERE {here(move)} AND verified_at IS NOT NULL"
    before, after = move.handed_back(), move.handed_over()
    return [
        block(
            f"IF {authority_is(move, 'pair')} THEN",
            *_no_pending(after),
            "ELSE",
            *_no_pending(before),
            "END IF;",
            f"IF NOT EXISTS ({verified}) THEN",
            refuse(move, "it is not verified as encrypted; run its backfill"),
            "END IF;",
        )
    ]


def where_authority(move: Move, authority: str, statements: list[str]) -> list[str]:
    """The statements, each to be run only where the record says so."""
    condition = authority_is(move, authority)
    return [block(f"IF {condition} THEN", f"EXECUTE {literal(each)};", "END IF;") for each in statements]


def _no_pending(move: Move) -> list[str]:
    plaintext, content = identifier(move.plaintext), identifier(move.content)
    pending = f"SELECT FROM {relation(move)} WHERE {plaintext} IS NOT NULL AND {content} IS NULL"
    return [
        f"IF {has_columns(move, move.plaintext)} THEN",
        f"IF EXISTS ({pending}) THEN",
        refuse(move, "rows are not encrypted yet; run its backfill"),
        "END IF;",
        "END IF;",
    ]
