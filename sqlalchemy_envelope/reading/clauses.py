"""The clauses of a SELECT as they are sent, held against the columns that it hands out."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy.sql.base import _select_iterables
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import CompoundSelect

from .entries import Outputs, check_entries, outputs_of
from .lineage import columns_of, siblings_beside
from .policy import refusal
from .sets import check_distinct
from .textual import encrypted_columns
from .tokens import code

_OUTPUTS = "envelope_outputs"
"""Where an entry of SQLAlchemy's stack keeps what its SELECT hands out."""

_HEAD = re.compile(
    r"select\s*(?:all\b\s*)?(?:(distinct)\s*(?:on\s*\((.*)\)\s*)?)?", re.IGNORECASE | re.DOTALL
)


class ClauseReading(SQLCompiler):
    """Reads what stands before the columns, and what sorts and groups them."""

    def _compose_select_body(
        self, text: str, select: Any, compile_state: Any, inner_columns: Any, *args: Any
    ) -> Any:
        """Everything after SELECT and DISTINCT; its columns are rendered, the rest is not."""
        columns = [each[3] for each in compile_state.columns_plus_names]
        self._check_siblings(columns)
        outputs = outputs_of(columns, inner_columns)
        self._hand_out(outputs)
        if text.strip().lower() != "select":
            self._check_head(text, columns, outputs)
        return super()._compose_select_body(text, select, compile_state, inner_columns, *args)  # type: ignore[no-untyped-call]

    def returning_clause(self, stmt: Any, returning_cols: Any, **kw: Any) -> str:
        """RETURNING."""
        if stmt._returning:  # else SQLAlchemy asks for what the database made
            self._check_siblings(_select_iterables(returning_cols))
        return super().returning_clause(stmt, returning_cols, **kw)

    def order_by_clause(self, select: Any, **kw: Any) -> str:
        """ORDER BY."""
        return self._checked(super().order_by_clause(select, **kw), "ORDER BY")  # type: ignore[no-untyped-call]

    def group_by_clause(self, select: Any, **kw: Any) -> str:
        """GROUP BY."""
        return self._checked(super().group_by_clause(select, **kw), "GROUP BY")  # type: ignore[no-untyped-call]

    def _checked(self, clause: str, keyword: str) -> str:
        outputs: Outputs | None = self.stack[-1].get(_OUTPUTS)  # type: ignore[assignment]
        if outputs is not None:
            check_entries(clause.strip().removeprefix(keyword), outputs, self._hidden)
        return clause

    def _check_head(self, head: str, columns: list[Any], outputs: Outputs) -> None:
        """DISTINCT, whether SQLAlchemy or a prefix wrote it; no other prefix is known to change nothing."""
        found = _HEAD.fullmatch(code(head))
        if found is None and not outputs.numbers:
            return
        if found is None:
            raise refusal(next(iter(outputs.numbers.values())), "a SELECT with such a prefix")
        if found[2] is not None:
            check_entries(found[2], outputs, self._hidden)
        elif found[1] is not None:
            check_distinct(columns)

    def _check_siblings(self, columns: Iterable[Any]) -> None:
        """`select(*table.c)` hands out what no plain table has; further in, polymorphic_union() does it."""
        if not all(isinstance(entry["selectable"], CompoundSelect) for entry in self.stack[:-1]):
            return
        for column in siblings_beside(columns):
            remedy = "select(table) and returning(table) leave it out"
            raise refusal(column.type, "a columns clause beside its wrapped key", remedy)

    def _hand_out(self, outputs: Outputs) -> None:
        """Keeps them for this SELECT and for the set operations that it is a branch of."""
        for at in range(len(self.stack) - 1, -1, -1):
            slots: dict[str, Any] = self.stack[at]  # type: ignore[assignment]
            before = slots.get(_OUTPUTS)
            slots[_OUTPUTS] = outputs if before is None else before | outputs
            if not at or not isinstance(self.stack[at - 1]["selectable"], CompoundSelect):
                return

    @property
    def _froms(self) -> set[Any]:
        """What the statements being rendered read from."""
        return {each for entry in self.stack for each in (*entry["correlate_froms"], *entry["asfrom_froms"])}

    @property
    def _hidden(self) -> list[Any]:
        return [column for each in self._froms for column in encrypted_columns(each)]

    @property
    def _innermost(self) -> Any:
        return self.stack[-1]["selectable"] if self.stack else None

    @property
    def _select_columns(self) -> list[Any]:
        if isinstance(self._innermost, CompoundSelect):
            return columns_of(self._innermost)
        state = self.stack[-1].get("compile_state") if self.stack else None
        return [each[3] for each in getattr(state, "columns_plus_names", ())]
