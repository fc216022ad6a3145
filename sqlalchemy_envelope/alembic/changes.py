"""What Alembic found to do to one table, by column, so that parts of it can be taken out again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Table
from sqlalchemy.types import TypeEngine

from ..backfill.record.moves import RecordedMove
from ..checks import stored_guard
from ..pairs import Pair, pairs_of

Operation = TypeVar("Operation", bound=ops.MigrateOperation)


@dataclass
class TableChanges:
    """The operations on one table that is both in the model and in the database; `within` is what changes.

    `moves`: those recorded of this table.
    """

    context: AutogenContext
    within: ops.ModifyTableOps
    table: Table
    moves: list[RecordedMove]

    @property
    def name(self) -> str:
        """The table's."""
        return str(self.within.table_name)

    @property
    def schema(self) -> str | None:
        """As operations say it: None for the default one."""
        return None if self.within.schema is None else str(self.within.schema)

    @cached_property
    def stored(self) -> "dict[str, TypeEngine[object]]":
        """The columns in the database with their types."""
        found = self.context.inspector.get_columns(self.name, schema=self.schema)
        return {each["name"]: each["type"] for each in found}

    @cached_property
    def pairs(self) -> dict[str, Pair]:
        """The model's encrypted columns, by the name in the database."""
        return {str(pair.content.name): pair for pair in pairs_of(self.table).values()}

    def plain(self, name: str) -> "Column[object] | None":
        """The model's column of a name, where it is not encrypted and no sibling."""
        if name in self.pairs or any(name == pair.dek.name for pair in self.pairs.values()):
            return None
        return next((each for each in self.table.c if each.name == name), None)

    @property
    def added(self) -> set[str]:
        """Columns to be added."""
        return {str(each.column.name) for each in self._each(ops.AddColumnOp)}

    @property
    def dropped(self) -> dict[str, "TypeEngine[object]"]:
        """Columns to be dropped, with the types they have."""
        return {str(each.column_name): self.stored[each.column_name] for each in self._each(ops.DropColumnOp)}

    def take_out(self, *names: str) -> None:
        """No column of these names is added or dropped after all."""
        for added in self._each(ops.AddColumnOp):
            if added.column.name in names:
                self.within.ops.remove(added)
        for dropped in self._each(ops.DropColumnOp):
            if dropped.column_name in names:
                self.within.ops.remove(dropped)

    def take_out_indexes(self, names: set[str]) -> None:
        """No index of these names is made or dropped after all."""
        for made in self._each(ops.CreateIndexOp):
            if str(made.index_name) in names:
                self.within.ops.remove(made)
        for dropped in self._each(ops.DropIndexOp):
            if str(dropped.index_name) in names:
                self.within.ops.remove(dropped)

    def take_out_guard(self, content: str) -> None:
        """The guard of a pair is neither added nor dropped after all."""
        self.take_out_checks({stored_guard(self.name, content), f"{self.name}_{content}_envelope"})

    def take_out_checks(self, names: set[str]) -> None:
        """No CHECK of these names is added or dropped after all."""
        for added in self._each(ops.CreateCheckConstraintOp):
            if str(added.constraint_name) in names:
                self.within.ops.remove(added)
        for dropped in self._each(ops.DropConstraintOp):
            if str(dropped.constraint_name) in names:
                self.within.ops.remove(dropped)

    def checks_to_drop(self) -> set[str]:
        """The names of the constraints that are to be dropped."""
        return {str(each.constraint_name) for each in self._each(ops.DropConstraintOp)}

    def keep(self, name: str, *, type_: bool = False, nullable: bool = False, default: bool = False) -> None:
        """A column keeps what is named here after all."""
        for each in self._each(ops.AlterColumnOp):
            if each.column_name != name:
                continue
            each.modify_type = None if type_ else each.modify_type
            each.modify_nullable = None if nullable else each.modify_nullable
            each.modify_server_default = False if default else each.modify_server_default
            if not each.has_changes():
                self.within.ops.remove(each)

    def _each(self, kind: type[Operation]) -> Iterator[Operation]:
        yield from [each for each in self.within.ops if isinstance(each, kind)]
