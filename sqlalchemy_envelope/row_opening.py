"""How the pairs of a column open that are bound to their rows: a cell brings its row's key along (`rows`)."""

from collections.abc import Sequence

from . import wire
from .errors import DecryptionError, Failure, UnsupportedStatementError
from .opening import Locked, Opener, OpenPair, Pair, Unlocked
from .rows import split_row

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class RowOpener(Opener):
    """Opens each cell in the context of the row that it was read from."""

    def locked(self, pairs: Sequence[bytes | None]) -> list[Locked | None] | None:
        """The same as of other pairs; the row goes with the content."""
        split = [None if cell is None else _split_or_none(cell) for cell in pairs]
        locked = super().locked([None if each is None else each[1] for each in split])
        if locked is None:
            return None
        both = zip(pairs, split, locked, strict=True)
        return [each and (each[0], _row_of(cell, row) + each[1]) for cell, row, each in both]

    def _how(self) -> OpenPair:
        open_, without_row = super()._how(), self._without_row
        before, after = self.reading.context.content, self.reading.context.after_row

        def open_in_row(cell: Pair) -> bytes:
            if type(cell) is bytes:
                split = split_row(cell)
                if split is None:
                    raise without_row(cell)
                return open_(split[1], before + split[0] + after)
            if not isinstance(cell, Unlocked):
                return open_(cell)
            row, content = split_row(cell.content) or (b"", b"")
            return open_(type(cell)(cell.key, content), before + row + after)

        return open_in_row

    def _without_row(self, cell: bytes) -> Exception:
        """What is wrong with a cell that no row stands before."""
        if cell[:1] not in (bytes((wire.KEY_MAGIC,)), bytes((wire.CONTENT_MAGIC,))):
            return DecryptionError(Failure.MAGIC)
        try:
            wire.split_pair(cell)
        except DecryptionError as error:
            return error
        place = self.reading.context.place
        return UnsupportedStatementError(
            f"{place} was read by text, which names no row: select the column itself"
        )


def _split_or_none(cell: bytes) -> tuple[bytes, bytes] | None:
    """The row and the pair; None for what never opens, which reading its row tells, in its place."""
    try:
        return split_row(bytes(cell))
    except DecryptionError:
        return None


def _row_of(cell: bytes | None, split: tuple[bytes, bytes] | None) -> bytes:
    """What stands before the pair, as it was read."""
    return b"" if cell is None or split is None else bytes(cell[: len(cell) - len(split[1])])
