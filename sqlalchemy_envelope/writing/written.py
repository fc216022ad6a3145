"""What an execution writes, remembered as it was given, for Python defaults that read it and for results.

SQLAlchemy shows both of them the parameters, which are sealed by then. The memory waits on the connection
from the rewriting of a statement until its execution takes it, and is looked into when somebody asks.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy.exc import StatementError

from ..reading.hiding import HIDDEN, rows_of
from ..reading.joined import PARAMETERS
from ..types import Sealed
from .execution import Execution

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_SLOT = "_envelope_written"


class Written:
    """One execution's parameters in plain."""

    def __init__(self, statement: Any, execution: Execution) -> None:
        self.statement = statement
        self._execution = execution

    def given(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters under the names and with the values that they were given, and nothing beside them."""
        named = self._execution.named
        return {
            named.get(name, name): self._plain.get(bytes(value)) if type(value) is Sealed else value
            for name, value in parameters.items()
            if not self._is_beside(name, value)
        }

    def told(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as an error may show them: a name that is no column's could be a mistyped one."""
        columns = self._execution.target.written.c
        return {name: value if name in columns else HIDDEN for name, value in parameters.items()}

    def _is_beside(self, name: str, value: Any) -> bool:
        beside = self._execution.named_beside
        hidden = self._hidden_names.fullmatch(name) is not None or name in beside or name in PARAMETERS
        return hidden or (type(value) is bytes and value in self._beside)

    @cached_property
    def _plain(self) -> dict[bytes | None, Any]:
        both = [zip(column.contents, values, strict=True) for values, column in self._execution.batch.sealed]
        return dict(pair for column in both for pair in column)

    @cached_property
    def _beside(self) -> set[bytes | None]:
        """The cells that are written beside the contents: wrapped keys, and digests."""
        batch = self._execution.batch
        cells = [*(column.deks for _, column in batch.sealed), *batch.indexed]
        return {cell for column in cells for cell in column}

    @cached_property
    def _hidden_names(self) -> re.Pattern[str]:
        """A sibling's key or a plaintext column's, numbered where one INSERT has many rows."""
        names = map(re.escape, self._execution.target.declared.hidden)
        return re.compile(f"(?:{'|'.join(names)})(?:_m[0-9]+)?")


def remember(connection: Any, written: Written) -> None:
    """Leaves it for the execution that follows."""
    connection.__dict__[_SLOT] = written


def taken(connection: Any, statement: Any) -> Written | None:
    """What was remembered of just this statement: another's execution never came about."""
    written: Written | None = connection.__dict__.get(_SLOT)
    if written is None or written.statement is not statement:
        return None
    del connection.__dict__[_SLOT]
    return written


def hide_unknown(failed: Any) -> None:
    """SQLAlchemy's `handle_error`: what fails before anything is sent prints the rows, unknown keys too."""
    written = None if failed.connection is None else failed.connection.__dict__.pop(_SLOT, None)
    error = failed.sqlalchemy_exception
    if written is not None and isinstance(error, StatementError) and failed.execution_context is None:
        error.params = [written.told(row) for row in rows_of(error.params)]
