"""Which rows a job of a move works on: known without any key."""

from ..postgres.names import quoted
from ..subject.kind import Kind
from ..subject.move import Move


def pending_sql(kind: Kind, move: Move, *, kept: bool = True) -> str:
    """What is so of the rows that a kind of job works on. `kept`: the plaintext's column is there."""
    plaintext, content, dek = (
        f"{quoted(name)} IS NOT NULL" for name in (move.plaintext, move.content, move.dek)
    )
    return {
        Kind.ENCRYPT: f"{plaintext} AND {quoted(move.content)} IS NULL",
        Kind.DECRYPT: f"{content} AND {quoted(move.plaintext)} IS NULL",
        Kind.VERIFY: " OR ".join([plaintext] * kept + [content] + [dek] * (not move.shared)),
        Kind.NULL: f"{plaintext} AND {content} AND {dek}",
    }[kind]
