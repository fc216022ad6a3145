"""The whole move and the whole way back as data; what they do is told in `effects.py`.

`op.encrypt_column(...)` is `op.invoke(EncryptColumnOp(...))`, which type checkers understand too.

Alembic writes the signatures out as text and runs that: defaults are literals, annotations are strings.
"""

from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations

from ..blind import BlindIndex
from ..errors import ConfigurationError
from .operation import MoveOperation

RUNS = ("now", "later")


@Operations.register_operation("encrypt_column")
class EncryptColumnOp(MoveOperation):
    """The whole move: pair, trigger, backfill, verification; in place also the swap of names.

    `source`: what reads the old column, for `backfill`. `run`: `"now"`, or `"later"` for pair, trigger and
    the record of a job that `sqlalchemy-envelope backfill` runs. `keep_plaintext=False` nulls and drops it.
    `index`: the blind indexes of the column alone, a sequence of `BlindIndex`, filled in the same batches.
    """

    name = "encrypt_column"

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        source: str | None = None,
        run: str = "now",
        keep_plaintext: bool = True,
        index: Sequence[BlindIndex] = (),
        **place: Any,
    ) -> None:
        super().__init__(table_name, column_name, **place)
        if run not in RUNS:
            raise ConfigurationError(f"{table_name}.{column_name}: run= is 'now' or 'later'")
        if run == "later" and not keep_plaintext:
            raise ConfigurationError(
                f"{table_name}.{column_name}: with run='later' the plaintext is kept until op.drop_plaintext"
            )
        self.source = source
        self.run = run
        self.keep_plaintext = keep_plaintext
        self.index = list(index)
        if any(each.columns for each in self.index):
            raise ConfigurationError(
                f"{table_name}.{column_name}: index several columns together once all are encrypted:"
                " op.add_blind_index"
            )

    @property
    def options(self) -> dict[str, Any]:
        """What is not the default."""
        said = self.place
        said |= {"source": self.source} if self.source is not None else {}
        said |= {"run": self.run} if self.run != "now" else {}
        said |= {"index": self.index} if self.index else {}
        return said | ({} if self.keep_plaintext else {"keep_plaintext": False})

    def reverse(self) -> "DecryptColumnOp":
        """The way back."""
        return DecryptColumnOp(self.table_name, self.column_name, **self.place)

    @classmethod
    def encrypt_column(
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
        pad: "Any" = None,
        source: "str | None" = None,
        run: "str" = "now",
        keep_plaintext: "bool" = True,
        index: "Any" = (),
    ) -> "Any":
        """Move a column of plaintext into an encrypted pair. Commits what Alembic did before it."""
        place = {"schema": schema, "into": into, "dek": dek, "context": context, "type_": type_}
        place |= {"tenant": tenant, "pad": pad, "keep_plaintext": keep_plaintext, "index": index}
        return operations.invoke(cls(table_name, column_name, source=source, run=run, **place))


@Operations.register_operation("decrypt_column")
class DecryptColumnOp(MoveOperation):
    """The way back from any point of a move: plaintext is whole again, under its name, type and NOT NULL.

    `sql_type`: the plaintext's type where it was dropped, if it wasn't recorded (`text` or `bytea` unless
    given).
    """

    name = "decrypt_column"

    def __init__(
        self, table_name: str, column_name: str, *, sql_type: str | None = None, **place: Any
    ) -> None:
        super().__init__(table_name, column_name, **place)
        self.sql_type = sql_type

    @property
    def options(self) -> dict[str, Any]:
        """What is not the default."""
        return self.place | ({"sql_type": self.sql_type} if self.sql_type is not None else {})

    def reverse(self) -> EncryptColumnOp:
        """The move again."""
        return EncryptColumnOp(self.table_name, self.column_name, **self.place)

    @classmethod
    def decrypt_column(
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
        pad: "Any" = None,
        sql_type: "str | None" = None,
    ) -> "Any":
        """Move an encrypted column back into plaintext. Commits what Alembic did before it."""
        place = {"schema": schema, "into": into, "dek": dek, "context": context, "type_": type_}
        place |= {"tenant": tenant, "pad": pad}
        return operations.invoke(cls(table_name, column_name, sql_type=sql_type, **place))
