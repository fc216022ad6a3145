"""The keys that a result's rows need, fetched in one wave before any row is opened.

Only where a keyring has to call out. Opened keys travel in the rows, because an asynchronous connection
processes results where no call could be awaited, and because a cache may have let go of them by then.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.engine.cursor import BufferedRowCursorFetchStrategy, FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.interfaces import ExecutionContext

from ..attachment import Attachment, attachment_of
from ..opening import Reading
from ..types import carried

Plan = list[tuple[int, Reading]]
"""The positions of encrypted columns in a row, and how each reads."""


def unlock_rows(rows: Sequence[Sequence[Any]], plan: Plan, attachment: Attachment) -> list[tuple[Any, ...]]:
    """The rows with the data keys of their pairs at hand: one wave, each distinct key once."""
    columns = [(reading, _flat([row[at] for row in rows])) for at, reading in plan]
    unlocked = attachment.envelope.unlock_columns(columns, attachment.wait)
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

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return unlock_rows(self.cursor.fetchmany(size), self.plan, self.attachment)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return unlock_rows(self.cursor.fetchall(), self.plan, self.attachment)


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


class PrefetchingContext(ExecutionContext):
    """An execution context that fetches keys as soon as a statement has its rows."""

    def post_exec(self) -> None:
        """SQLAlchemy's hook between executing and fetching."""
        super().post_exec()
        attachment = attachment_of(self.dialect)
        plan = _plan_of(self) if attachment is not None else []
        if attachment is not None and plan:
            _prefetch(self, plan, attachment)


def _prefetch(context: Any, plan: Plan, attachment: Attachment) -> None:
    if context._insertmanyvalues_rows is not None:
        context._insertmanyvalues_rows[:] = unlock_rows(context._insertmanyvalues_rows, plan, attachment)
        return
    unlocking = _Unlocking(context.cursor, plan, attachment)
    if context._is_server_side:
        context.cursor_fetch_strategy = UnlockingStrategy(unlocking, context.execution_options)
    elif context.cursor.description is not None:
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            context.cursor,
            alternate_description=context.cursor.description,
            initial_buffer=unlocking.fetchall(),
        )


def _plan_of(context: Any) -> Plan:
    """Where the rows hold pairs: by position, or by name where the statement is text."""
    compiled = context.compiled
    entries = getattr(compiled, "_result_columns", None) or []
    found = [(at, entry, encrypted) for at, entry in enumerate(entries) if (encrypted := carried(entry.type))]
    if not found or not (context.cursor.description or context._insertmanyvalues_rows):
        return []
    if compiled._ordered_columns or compiled._textual_ordered_columns:
        return [(at, encrypted.reading) for at, _, encrypted in found]
    names = {entry.keyname: encrypted.reading for _, entry, encrypted in found}
    return [(at, names[each[0]]) for at, each in enumerate(context.cursor.description) if each[0] in names]


def prefetching(base: type[Any]) -> type[Any]:
    """The dialect's execution context with prefetching laid over it."""
    return type(f"Envelope{base.__name__}", (PrefetchingContext, base), {})
