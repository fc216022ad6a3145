"""`ON CONFLICT DO UPDATE SET`: an encrypted column from `excluded` or a value, its other cells with it."""

import copy
from typing import Any

from sqlalchemy import Column

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .execution import Execution, Items
from .upserted_rows import check_upserted_rows
from .upserted_tenants import check_upsert

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class Upsert:
    """The SET items of an upsert, rewritten in place as values are sealed."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._clause: Any = getattr(execution.statement, "_post_values_clause", None)
        self.items: Items = []
        self.changed = False
        self._given: dict[str, Any] = {}

    def collect(self) -> None:
        """Adds every encrypted column that the SET clause names."""
        given = getattr(self._clause, "update_values_to_set", None)
        items = [
            (self._key(key), value)
            for key, value in (given.items() if isinstance(given, dict) else given or ())
        ]
        self._given = dict(items)
        from_excluded = {value.key for key, value in items if _from_excluded(value) and value.key == key}
        for key, value in items:
            hidden = self._execution.target.hidden.get(key) if key in from_excluded else None
            if hidden is not None and hidden[0].content.key in from_excluded:
                continue  # set_=stmt.excluded names it too; it comes with its column
            pair = self._execution.target.pair(key)
            if pair is None:
                self.items.append((key, value))
            else:
                self.changed = True
                self._collect_one(pair, value)

    def check(self) -> None:
        """That a conflicting row is of the tenant and key that its new values are encrypted for."""
        if not self._given:
            return
        if self._execution.target.tenants:
            check_upsert(self._clause, self._execution.target, self._given)
        check_upserted_rows(self._clause, self._execution.target, self._given)

    def apply(self, statement: Any) -> None:
        """Sets the rewritten clause on a copy of the statement."""
        clause = copy.copy(self._clause)
        items = [(getattr(key, "key", key), value) for key, value in self.items]
        as_dict = isinstance(clause.update_values_to_set, dict)
        clause.update_values_to_set = dict(items) if as_dict else items
        statement._post_values_clause = clause

    def _collect_one(self, pair: Pair, value: Any) -> None:
        keys = [column.key for column in pair.columns]
        if _from_excluded(value) and value.key == pair.content.key:
            self.items += zip(keys, [value, *pair.of(value.table).columns[1:]], strict=True)
        else:
            self._execution.assign(pair, value, keys, self.items)

    def _key(self, key: Any) -> str:
        """The key of the column that a SET item means: SQLAlchemy takes a key, a name or a column."""
        columns = self._execution.target.written.c
        wanted = getattr(key, "key", key)
        by_name = (each.key for each in columns if each.name == wanted)
        found = wanted if wanted in columns else next(by_name, None)
        if found is None:
            raise UnsupportedStatementError(
                f"set_= names {wanted!r}, which is no column of {self._execution.target.written.name}"
            )
        return str(found)


def _from_excluded(value: Any) -> bool:
    return isinstance(value, Column) and getattr(value.table, "name", None) == "excluded"
