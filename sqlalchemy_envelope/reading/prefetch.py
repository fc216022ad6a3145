"""The keys that a result's rows need, fetched in one wave before any row is opened.

Only where a keyring has to call out. Opened keys travel in the rows, because an asynchronous connection
processes results where no call could be awaited, and because a cache may have let go of them by then.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.engine.cursor import BufferedRowCursorFetchStrategy, FullyBufferedCursorFetchStrategy

from ..attachment import Attachment
from ..opening import Reading
from ..types import carried

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Plan = list[tuple[int, Reading]]
"""The positions of pairs in a row, and how each reads."""

_SLOT = "_envelope_plan"
_HELD = "_envelope_held"


def unlock_rows(rows: Sequence[Any], plan: Plan, attachment: Attachment) -> Sequence[Any]:
    """The rows with the data keys of their pairs at hand: one wave, each distinct key once.

    The very same rows where nothing had to be asked for.
    """
    columns = [(reading, _flat([row[at] for row in rows])) for at, reading in plan]
    unlocked = attachment.envelope.unlock_columns(columns, attachment.wait)
    if all(after is before for after, (_, before) in zip(unlocked, columns, strict=True)):
        return rows
    following = {at: iter(pairs) for (at, _), pairs in zip(plan, unlocked, strict=True)}
    return [_row(row, following) for row in rows]


def _flat(values: Any) -> list[Any]:
    flat = []
    for value in values:
        flat += _flat(value) if isinstance(value, list) else [value]
    return flat


def _row(row: Sequence[Any], following: dict[int, Any]) -> tuple[Any, ...]:
    return tuple(_like(value, following[at]) if at in following else value for at, value in enumerate(row))


def _like(value: Any, following: Any) -> Any:
    return [_like(each, following) for each in value] if isinstance(value, list) else next(following)


class _Unlocking(NamedTuple):
    """A cursor whose chunks come with their keys."""

    cursor: Any
    plan: Plan
    attachment: Attachment

    def fetchmany(self, size: int) -> Sequence[Any]:
        return unlock_rows(self.cursor.fetchmany(size), self.plan, self.attachment)

    def fetchall(self) -> Sequence[Any]:
        return unlock_rows(self.cursor.fetchall(), self.plan, self.attachment)

    def close(self) -> None:
        """SQLAlchemy does so where fetching failed."""
        self.cursor.close()


class UnlockingStrategy(BufferedRowCursorFetchStrategy):
    """A server-side cursor's rows: one wave of keys a chunk."""

    __slots__ = ("_unlocking",)

    def __init__(self, unlocking: _Unlocking, execution_options: Any) -> None:
        super().__init__(unlocking.cursor, execution_options, initial_buffer=deque())
        self._unlocking: Any = unlocking

    def _buffer_rows(self, result: Any, dbapi_cursor: Any) -> None:
        super()._buffer_rows(result, self._unlocking)

    def fetchmany(self, result: Any, dbapi_cursor: Any, size: int | None = None) -> Any:
        """The next chunk."""
        return super().fetchmany(result, self._unlocking, size)

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        """All that is left, in one wave."""
        return super().fetchall(result, self._unlocking)


def prefetch(context: Any, plan: Plan, attachment: Attachment) -> None:
    """Puts rows with their keys in the place of the cursor's."""
    if context._insertmanyvalues_rows is not None:
        context._insertmanyvalues_rows[:] = unlock_rows(context._insertmanyvalues_rows, plan, attachment)
        return
    unlocking = _Unlocking(context.cursor, plan, attachment)
    if context._is_server_side:
        context.cursor_fetch_strategy = UnlockingStrategy(unlocking, context.execution_options)
    elif context.cursor is not None and context.cursor.description is not None:
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            context.cursor,
            alternate_description=context.cursor.description,
            initial_buffer=unlocking.fetchall(),
        )


def plan_of(context: Any) -> Plan:
    """Where the rows hold pairs: by position, or by name where text gives columns, as SQLAlchemy does."""
    compiled = context.compiled
    if compiled is None:
        return []
    known: Plan | None = compiled.__dict__.get(_SLOT)  # compiled once, run often
    if known is None:
        known = compiled.__dict__[_SLOT] = _positions(compiled)
    if not known or compiled._textual_ordered_columns or context._insertmanyvalues_rows is not None:
        return known
    described = context.cursor.description or ()
    if compiled._ordered_columns and len(described) in (0, len(compiled._result_columns)):
        return known
    names = {compiled._result_columns[at].keyname: reading for at, reading in known}
    return [(at, names[column[0]]) for at, column in enumerate(described) if column[0] in names]


def holds_values(context: Any) -> bool:
    """Whether the rows hold values of encrypted columns, be they read from a pair or from plaintext."""
    compiled = context.compiled
    if compiled is None:
        return False
    known: bool | None = compiled.__dict__.get(_HELD)
    if known is None:
        known = compiled.__dict__[_HELD] = any(carried(entry.type) for entry in _entries(compiled))
    return known


def _positions(compiled: Any) -> Plan:
    read = ((at, carried(entry.type)) for at, entry in enumerate(_entries(compiled)))
    return [(at, type_.reading) for at, type_ in read if type_ is not None and type_.opens]


def _entries(compiled: Any) -> Sequence[Any]:
    return getattr(compiled, "_result_columns", None) or ()
