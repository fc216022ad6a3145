"""What the database has recorded of moves and of blind indexes, as a migration's own connection sees it."""

from sqlalchemy import Connection, text

from ..backfill.record import fills, moves
from ..backfill.record.moves import RecordedMove
from ..backfill.subject.fill import Fill


def recorded_moves(connection: Connection) -> list[RecordedMove]:
    """Every move that is recorded."""
    if connection.execute(text(moves.EXISTS)).scalar() is None:
        return []
    return [moves.parsed(*row) for row in connection.execute(text(moves.QUERY))]


def recorded_fills(connection: Connection) -> list[Fill]:
    """Every index that is recorded."""
    if connection.execute(text(fills.EXISTS)).scalar() is None:
        return []
    return [fills.parsed(*row).fill for row in connection.execute(text(fills.QUERY))]
