"""`ON CONFLICT DO UPDATE SET`: an encrypted column from `excluded` or a value, its other cells with it."""

import copy
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.elements import BindParameter, Null

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .conflicts import indexed_element
from .digests import check_together, is_together
from .execution import Execution, Items
from .upserted_rows import check_upserted_rows
from .upserted_tenants import check_upsert

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class Upsert:
    """The SET items of an upsert, rewritten in place as values are sealed."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._clause: Any = execution.statement._post_values_clause
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
        self._find_target()
        check_together(self._execution.target.table, self._execution.target.pairs.keys() & self._given.keys())
        from_excluded = {value.key for key, value in items if _from_excluded(value) and value.key == key}
        for key, value in items:
            hidden = self._execution.target.declared.hidden.get(key) if key in from_excluded else None
            if hidden is not None and hidden[0].group & from_excluded:
                continue  # set_=stmt.excluded names it too; it comes with its column
            pair = self._execution.target.pair(key)
            if pair is None:
                self.items.append((key, value))
            else:
                self.changed = True
                self._collect_one(pair, value)
        self._check_groups()

    def check(self) -> None:
        """That a conflicting row is of the tenant and key that its new values are encrypted for."""
        if not self._given:
            return
        if self._execution.target.declared.tenants:
            check_upsert(self._clause, self._execution.target, self._given)
        check_upserted_rows(self._clause, self._execution.target, self._given)

    def apply(self, statement: Any) -> None:
        """Sets the rewritten clause on a copy of the statement."""
        clause = copy.copy(self._clause)
        clause.inferred_target_elements = self._elements
        statement._post_values_clause = clause
        if not self.items:
            return  # DO NOTHING
        items = [(getattr(key, "key", key), value) for key, value in self.items]
        as_dict = isinstance(clause.update_values_to_set, dict)
        clause.update_values_to_set = dict(items) if as_dict else items

    def _find_target(self) -> None:
        """The conflict target, with the blind index of each encrypted column that it names."""
        target = self._execution.target
        given = getattr(self._clause, "inferred_target_elements", None)
        self._elements = None if given is None else [indexed_element(each, target) for each in given]
        if given is not None and any(a is not b for a, b in zip(given, self._elements, strict=True)):  # type: ignore[arg-type]
            self.changed = True

    def _collect_one(self, pair: Pair, value: Any) -> None:
        keys = [column.key for column in pair.own]
        if _from_excluded(value) and value.key == pair.content.key:
            excluded = pair.of(value.table)
            self.items += zip(keys, [value, *excluded.own[1:]], strict=True)
            if pair.mates and not any(key == pair.dek.key for key, _ in self.items):
                self.items.append((pair.dek.key, excluded.dek))
            return
        if is_together(pair):
            raise UnsupportedStatementError(
                f"{pair.type.reading.context.place} is indexed together with others: set them from excluded"
            )
        self._execution.assign(pair, value, keys, self.items, conflicting=True)

    def _check_groups(self) -> None:
        """That a row in conflict keeps no value under a key that it then has no more."""
        pairs = self._execution.target.pairs
        for pair in pairs.values():
            given = {key: self._given[key] for key in pair.group & self._given.keys()}
            kinds = {_from_excluded(value) for value in given.values() if not _is_null(value, pair)}
            if pair.mates and kinds and (len(kinds) > 1 or len(given) < len(pair.group)):
                group = ", ".join(sorted(pairs[key].content.name for key in pair.group))
                raise UnsupportedStatementError(
                    f"{pair.type.reading.context.place} can't be set without the others that share "
                    f"{pair.dek.name}, which would be left without their key: set {group} all from excluded, "
                    "or all to values"
                )

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


def _is_null(value: Any, pair: Pair) -> bool:
    if isinstance(value, BindParameter) and value.unique:
        value = value.value
    return isinstance(value, Null) or (value is None and not pair.type.codec.holds_none)


def _from_excluded(value: Any) -> bool:
    return isinstance(value, Column) and getattr(value.table, "name", None) == "excluded"
