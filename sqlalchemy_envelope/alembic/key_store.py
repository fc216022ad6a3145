"""The tables of key-encryption keys as operations: data; what they do is told in `key_store_effects.py`.

`op.create_key_store()` is `op.invoke(CreateKeyStoreOp())`, which type checkers understand too.
"""

from typing import Any

from alembic.operations import Operations

from .told import ToldOperation


class KeyStoreOperation(ToldOperation):
    """Something done to `envelope.key` and `envelope.key_receipt`, which have no names to choose."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For `alembic check` and `compare_metadata`."""
        return (self.name,)


@Operations.register_operation("create_key_store")
class CreateKeyStoreOp(KeyStoreOperation):
    """Make what is missing of the tables of keys, in Alembic's own transaction; it may run again."""

    name = "create_key_store"

    def reverse(self) -> "DropKeyStoreOp":
        """No tables of keys."""
        return DropKeyStoreOp()

    @classmethod
    def create_key_store(cls, operations: "Operations") -> "Any":
        """Make the tables of key-encryption keys, `envelope.key` and its receipts, where they are missing."""
        return operations.invoke(cls())


@Operations.register_operation("drop_key_store")
class DropKeyStoreOp(KeyStoreOperation):
    """Drop the tables of keys; refused while a value is under one of them. Receipts stay."""

    name = "drop_key_store"

    def reverse(self) -> CreateKeyStoreOp:
        """The tables again, empty."""
        return CreateKeyStoreOp()

    @classmethod
    def drop_key_store(cls, operations: "Operations") -> "Any":
        """Drop the tables of key-encryption keys; refused, with counts, while a value is under one."""
        return operations.invoke(cls())
