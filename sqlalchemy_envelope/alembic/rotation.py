"""Rotation as operations: data; what they do is told in `rotation_effects.py`.

`op.rewrap_column(...)` is `op.invoke(RewrapColumnOp(...))`, which type checkers understand too.

Alembic writes the signatures out as text and runs that: defaults are literals, annotations are strings.
"""

from typing import Any

from alembic.operations import Operations

from ..backfill.subject.rotation import Rotation
from ..errors import ConfigurationError
from .told import Call, ToldOperation

RUNS = ("now", "later")


class RotationOperation(ToldOperation):
    """Something done to keys. `options`: the keyword arguments that are not the default."""

    def __init__(self, *place: str, **options: Any) -> None:
        self.place = place
        self.options = {name: value for name, value in options.items() if value is not None}

    @property
    def call(self) -> Call:
        """Table and column, where it is about one, and what is not the default."""
        return self.place, self.options

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For `alembic check` and `compare_metadata`."""
        return self.name, *self.place, self.options


class ColumnRotationOperation(RotationOperation):
    """One on the values of a column.

    `key`: a key id, `only_tenant`: a tenant, to which it is restricted. `dek`, `context`, `tenant`: as the
    model says. `run`: `"now"`, or `"later"` for the record of a job that `sqlalchemy-envelope backfill` runs.
    """

    def __init__(self, table_name: str, column_name: str, **options: Any) -> None:
        super().__init__(str(table_name), str(column_name), **options)
        if self.options.get("run", "now") not in RUNS:
            raise ConfigurationError(f"{table_name}.{column_name}: run= is 'now' or 'later'")
        if self.options.get("run") == "now":
            del self.options["run"]
        self.plan("public")

    @property
    def later(self) -> bool:
        """Whether it is only recorded."""
        return "run" in self.options

    def plan(self, default_schema: str, **known: Any) -> Rotation:
        """As these arguments mean it; `known`: what is not said. Raises `ConfigurationError`."""
        said = {"schema": default_schema} | known | self.options
        said.pop("run", None)
        return Rotation.plan(*self.place, only_key=said.pop("key", None), **said)


@Operations.register_operation("rewrap_column")
class RewrapColumnOp(ColumnRotationOperation):
    """Wrap every data key that is not under the key that writes now under that: only the sibling changes."""

    name = "rewrap_column"

    def reverse(self) -> "RewrapColumnOp":
        """The same: under whichever key writes then."""
        return RewrapColumnOp(*self.place, **self.options)

    @classmethod
    def rewrap_column(
        cls,
        operations: "Operations",
        table_name: str,
        column_name: str,
        *,
        schema: "str | None" = None,
        dek: "str | None" = None,
        context: "Any" = None,
        tenant: "str | None" = None,
        key: "str | None" = None,
        only_tenant: "str | None" = None,
        run: "str" = "now",
    ) -> "Any":
        """Wrap a column's data keys under the key that writes now. Commits what Alembic did before it."""
        place = {"schema": schema, "dek": dek, "context": context, "tenant": tenant}
        made = cls(table_name, column_name, **place, key=key, only_tenant=only_tenant, run=run)
        return operations.invoke(made)


@Operations.register_operation("reencrypt_column")
class ReencryptColumnOp(ColumnRotationOperation):
    """Seal every value that is not under the key that writes now anew, with a fresh data key.

    `accept` (1 or 2) and `type_`: as the model says, where values of an older version are left.
    """

    name = "reencrypt_column"

    @classmethod
    def reencrypt_column(
        cls,
        operations: "Operations",
        table_name: str,
        column_name: str,
        *,
        schema: "str | None" = None,
        dek: "str | None" = None,
        context: "Any" = None,
        tenant: "str | None" = None,
        bind_row: "list[str] | None" = None,
        key: "str | None" = None,
        only_tenant: "str | None" = None,
        accept: "int | None" = None,
        type_: "str | None" = None,
        run: "str" = "now",
    ) -> "Any":
        """Seal a column's values anew under fresh data keys. Commits what Alembic did before it."""
        place = {"schema": schema, "dek": dek, "context": context, "tenant": tenant}
        older = {"accept": accept, "type_": type_, "bind_row": bind_row}
        made = cls(table_name, column_name, **place, key=key, only_tenant=only_tenant, **older, run=run)
        return operations.invoke(made)


@Operations.register_operation("rewrap_keys")
class RewrapKeysOp(RotationOperation):
    """Wrap every key-encryption key under the key of the provider that wraps now; no data row is touched."""

    name = "rewrap_keys"

    def reverse(self) -> "RewrapKeysOp":
        """The same: under whichever key wraps then."""
        return RewrapKeysOp()

    @classmethod
    def rewrap_keys(cls, operations: "Operations") -> "Any":
        """Wrap key-encryption keys under the provider's present key. Commits what Alembic did before it."""
        return operations.invoke(cls())


@Operations.register_operation("rotate_key")
class RotateKeyOp(RotationOperation):
    """Give a tenant, or what has none, a new key-encryption key to write with; the one before only opens."""

    name = "rotate_key"

    @classmethod
    def rotate_key(cls, operations: "Operations", *, tenant: "str | None" = None) -> "Any":
        """Give a tenant a new key-encryption key to write with. Commits what Alembic did before it."""
        return operations.invoke(cls(tenant=tenant))
