"""What every operation of ours is: a column by name, and how its move is meant."""

from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations

from ..backfill.subject.move import Move, row_columns
from ..backfill.subject.valuetype import ValueType
from ..context import Context
from ..padding import Padding
from .told import Call, ToldOperation


class MoveOperation(ToldOperation):
    """Something done to the move of one column.

    `table_name`, `column_name`, `schema`: the column by the name that its users know. `into`, `dek`,
    `context`, `type_`, `tenant`, `bind_row`, `shared`, `pad`: as in `Move.plan`; what a move was begun with
    is recorded, so later steps need them in `--sql` mode alone, where no record can be read.
    """

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
        into: str | None = None,
        dek: str | None = None,
        context: "Context | str | None" = None,
        type_: str = "text",
        tenant: str | None = None,
        bind_row: Sequence[str] | None = None,
        shared: bool = False,
        pad: Padding | None = None,
    ) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.schema = schema
        self.into = into
        self.dek = dek
        self.context = context
        self.type_ = type_
        self.tenant = tenant
        self.bind_row = list(row_columns(bind_row, f"{table_name}.{column_name}")) or None
        self.shared = shared
        self.pad = pad
        self.plan("public")

    def plan(self, default_schema: str) -> Move:
        """The move as these arguments mean it. Raises `ConfigurationError`."""
        return Move.plan(
            self.table_name,
            self.column_name,
            schema=self.schema or default_schema,
            into=self.into,
            dek=self.dek,
            context=self.context,
            type_=self.type_,
            tenant=self.tenant,
            bind_row=self.bind_row,
            shared=self.shared,
            pad=self.pad,
        )

    @property
    def place(self) -> dict[str, Any]:
        """The keyword arguments that every operation has, where they are not the default."""
        given: dict[str, Any] = {"schema": self.schema, "into": self.into, "dek": self.dek}
        given |= {"context": self.context, "tenant": self.tenant, "bind_row": self.bind_row, "pad": self.pad}
        kind: dict[str, Any] = {"type_": str(ValueType(self.type_))} if self.type_ != "text" else {}
        kind |= {"shared": True} if self.shared else {}
        return {name: value for name, value in given.items() if value is not None} | kind

    @property
    def options(self) -> dict[str, Any]:
        """All keyword arguments that are not the default, as a revision writes them."""
        return self.place

    @property
    def call(self) -> Call:
        """Table and column, and what is not the default."""
        return (str(self.table_name), str(self.column_name)), self.options

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For `alembic check` and `compare_metadata`: the name, the place, and what else was said."""
        return self.name, self.schema, self.table_name, self.column_name, self.options

    @classmethod
    def step(
        cls,
        operations: "Operations",
        table_name: str,
        column_name: str,
        *,
        schema: "str | None" = None,
        into: "str | None" = None,
        dek: "str | None" = None,
        context: "Any" = None,
        type_: "str" = "text",
        tenant: "str | None" = None,
        bind_row: "list[str] | None" = None,
        shared: "bool" = False,
        pad: "Any" = None,
    ) -> "Any":
        """One step of a column's move; online it runs outside Alembic's transaction, and may run again."""
        place: dict[str, Any] = {"schema": schema, "into": into, "dek": dek, "context": context}
        place |= {"type_": type_, "tenant": tenant, "bind_row": bind_row, "shared": shared, "pad": pad}
        return operations.invoke(cls(table_name, column_name, **place))

    def other(self, kind: "type[MoveOperation]") -> "MoveOperation":
        """The operation of another kind on the same column."""
        return kind(self.table_name, self.column_name, **self.place)
