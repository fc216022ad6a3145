"""How an operation of ours is told: as the call that it is, in a revision and in a message."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from alembic.operations.ops import MigrateOperation

Call = tuple[Sequence[str], Mapping[str, Any]]
"""The positional arguments, and the keyword arguments that are not the default."""


class ToldOperation(MigrateOperation):
    """An operation as data, apart from what it does."""

    name: ClassVar[str]
    """As in `op.<name>`."""

    @property
    def call(self) -> Call:
        """What `op.<name>` is called with."""
        return (), {}

    def reverse(self) -> MigrateOperation:
        """What undoes it, where something does. `NotImplementedError` is Alembic's word for nothing."""
        raise NotImplementedError(f"op.{self.name} has nothing that undoes it")

    def __repr__(self) -> str:
        arguments, options = self.call
        named = (f"{name}={value!r}" for name, value in options.items())
        return f"op.{self.name}({', '.join([*map(repr, arguments), *named])})"
