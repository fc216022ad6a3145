"""Blind indexes as operations: data; what they do is told in `indexing_effects.py`.

`op.add_blind_index(...)` is `op.invoke(AddBlindIndexOp(...))`, which type checkers understand too.

Alembic writes the signatures out as text and runs that: defaults are literals, annotations are strings.
"""

from typing import Any

from alembic.operations import Operations

from ..backfill.subject.fill import Fill
from ..blind import BlindIndex
from ..errors import ConfigurationError
from .told import Call, ToldOperation

RUNS = ("now", "later")


class BlindIndexOperation(ToldOperation):
    """Something done to a blind index of an encrypted column.

    `index`: as the model has it, `BlindIndex()` unless given. `schema`, `dek`, `context`, `tenant`: of the
    column; `deks`, `contexts`: by name, of other columns that it indexes together. `tenant_of_key`: tenants
    come from statements, and so from the keys that values are under. `bind_row`: the primary key's columns,
    where the model binds values to their row.
    """

    def __init__(
        self, table_name: str, column_name: str, index: BlindIndex | None = None, **options: Any
    ) -> None:
        self.place = (str(table_name), str(column_name))
        self.index = index or BlindIndex()
        self.options = {name: value for name, value in options.items() if value}
        self.plan("public")

    def plan(self, default_schema: str) -> Fill:
        """As these arguments mean it. Raises `ConfigurationError`."""
        said = {"schema": default_schema} | self.options
        said.pop("run", None)
        return Fill.plan(*self.place, self.index, **said)

    @property
    def call(self) -> Call:
        """Table and column, and what is not the default."""
        index = {} if self.index == BlindIndex() else {"index": self.index}
        return self.place, index | self.options

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For `alembic check` and `compare_metadata`."""
        return self.name, *self.place, self.index, self.options


@Operations.register_operation("add_blind_index")
class AddBlindIndexOp(BlindIndexOperation):
    """Add an index to a column that is encrypted already: column, trigger, real index, digests, their proof.

    `run`: `"now"`, or `"later"` for a job that `sqlalchemy-envelope backfill` runs. Needs keys where there
    are values.
    """

    name = "add_blind_index"

    def __init__(
        self, table_name: str, column_name: str, index: BlindIndex | None = None, **options: Any
    ) -> None:
        super().__init__(table_name, column_name, index, **options)
        if self.options.get("run", "now") not in RUNS:
            raise ConfigurationError(f"{table_name}.{column_name}: run= is 'now' or 'later'")
        if self.options.get("run") == "now":
            del self.options["run"]

    @property
    def later(self) -> bool:
        """Whether its job is only recorded."""
        return "run" in self.options

    def reverse(self) -> "DropBlindIndexOp":
        """No index."""
        options = {name: value for name, value in self.options.items() if name != "run"}
        return DropBlindIndexOp(*self.place, self.index, **options)

    @classmethod
    def add_blind_index(
        cls,
        operations: "Operations",
        table_name: str,
        column_name: str,
        index: "Any" = None,
        *,
        schema: "str | None" = None,
        dek: "str | None" = None,
        context: "Any" = None,
        tenant: "str | None" = None,
        tenant_of_key: "bool" = False,
        deks: "Any" = None,
        contexts: "Any" = None,
        bind_row: "list[str] | None" = None,
        run: "str" = "now",
    ) -> "Any":
        """Add a blind index to an encrypted column and fill it. Commits what Alembic did before it."""
        options = {"schema": schema, "dek": dek, "context": context, "tenant": tenant}
        options |= {"tenant_of_key": tenant_of_key, "deks": deks, "contexts": contexts}
        options |= {"bind_row": bind_row, "run": run}
        return operations.invoke(cls(table_name, column_name, index, **options))


@Operations.register_operation("drop_blind_index")
class DropBlindIndexOp(BlindIndexOperation):
    """Drop an index with its column, trigger and record; its key stays in `envelope.key`."""

    name = "drop_blind_index"

    def reverse(self) -> AddBlindIndexOp:
        """The index again, filled anew."""
        return AddBlindIndexOp(*self.place, self.index, **self.options)

    @classmethod
    def drop_blind_index(
        cls,
        operations: "Operations",
        table_name: str,
        column_name: str,
        index: "Any" = None,
        *,
        schema: "str | None" = None,
        dek: "str | None" = None,
        context: "Any" = None,
        tenant: "str | None" = None,
        tenant_of_key: "bool" = False,
        deks: "Any" = None,
        contexts: "Any" = None,
        bind_row: "list[str] | None" = None,
    ) -> "Any":
        """Drop a blind index of an encrypted column. Commits what Alembic did before it."""
        options = {"schema": schema, "dek": dek, "context": context, "tenant": tenant}
        options |= {"tenant_of_key": tenant_of_key, "deks": deks, "contexts": contexts}
        options |= {"bind_row": bind_row}
        return operations.invoke(cls(table_name, column_name, index, **options))
