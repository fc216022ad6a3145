"""`ON CONFLICT DO UPDATE SET`: an encrypted column from `excluded` or a value, its sibling with it."""

import copy
from typing import Any

from sqlalchemy import Column, LargeBinary, bindparam
from sqlalchemy.sql import elements

from ..columns import Pair
from .batch import Batch
from .parameters import Rows, add_rows
from .target import Target, check_source, plain_value
from .values import Items, add_literal

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class Upsert:
    """The SET items of an upsert, rewritten in place as values are sealed."""

    def __init__(self, statement: Any, rows: Rows, target: Target, batch: Batch) -> None:
        self._clause: Any = getattr(statement, "_post_values_clause", None)
        self._rows = rows
        self._target = target
        self._batch = batch
        self.items: Items = []
        self.changed = False

    def collect(self) -> None:
        """Adds every encrypted column that the SET clause names."""
        given = getattr(self._clause, "update_values_to_set", None)
        items = list(given.items() if isinstance(given, dict) else given or ())
        for key, value in items:
            if self._is_sibling_of_excluded(key, value):
                continue  # set_=stmt.excluded names it too; it comes with its column
            pair = self._target.pair(key)
            if pair is None:
                check_source(value, key)
                self.items.append((key, value))
            else:
                self.changed = True
                self._collect_one(key, pair, value)

    def apply(self, statement: Any) -> None:
        """Sets the rewritten clause on a copy of the statement."""
        clause = copy.copy(self._clause)
        items = [(getattr(key, "key", key), value) for key, value in self.items]
        as_dict = isinstance(clause.update_values_to_set, dict)
        clause.update_values_to_set = dict(items) if as_dict else items
        statement._post_values_clause = clause

    def _collect_one(self, key: Any, pair: Pair, value: Any) -> None:
        if _from_excluded(value) and value.key == pair.content.key:
            self.items += [(pair.content.key, value), (pair.dek.key, value.table.c[pair.dek.key])]
        elif isinstance(value, elements.BindParameter) and not value.unique and self._given(value):
            self._collect_named(pair, value)
        else:
            add_literal(self._batch, pair, self._target, plain_value(value, pair), self.items)

    def _collect_named(self, pair: Pair, value: Any) -> None:
        content, dek = f"{value.key}__sealed", f"{value.key}__dek"
        self.items += [
            (pair.content.key, bindparam(content, type_=pair.type)),
            (pair.dek.key, bindparam(dek, type_=LargeBinary())),
        ]
        values = [row.pop(value.key, None) for row in self._rows]
        add_rows(self._batch, pair, self._rows, values, (content, dek))

    def _given(self, value: Any) -> bool:
        return value.required or any(value.key in row for row in self._rows)

    def _is_sibling_of_excluded(self, key: Any, value: Any) -> bool:
        name = getattr(key, "key", key)
        return name in self._target.siblings and _from_excluded(value) and value.key == name


def _from_excluded(value: Any) -> bool:
    return isinstance(value, Column) and getattr(value.table, "name", None) == "excluded"
