"""Values of parameters that are not sent themselves: where each execution of a statement has them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Extracted = Sequence[BindParameter[Any]] | None
"""The parameters of the statement that is executed, where another one like it was compiled."""


class Given(NamedTuple):
    """A parameter: its name, its place among those of the statement's cache key, and itself."""

    key: str
    at: int | None
    bind: BindParameter[Any]

    def __repr__(self) -> str:
        return f"Given({self.key!r})"

    def value(self, row: Mapping[str, Any], extracted: Extracted) -> Any:
        """What an execution gives for it."""
        if self.key in row:
            return row[self.key]
        bind = extracted[self.at] if extracted and self.at is not None else self.bind
        if bind.required:
            raise InvalidRequestError(f"A value is required for bind parameter {bind.key!r}", code="cd3x")
        return bind.effective_value


def given_by(bind: BindParameter[Any], compiler: SQLCompiler) -> Given:
    """Where the value of a parameter will be; the parameter may be a clone of the statement's own."""
    key = compiler.cache_key
    clones = {each.key for each in bind._cloned_set}
    own = enumerate(key[1] if key is not None else ())
    return Given(bind.key, next((at for at, each in own if each.key in clones), None), bind)
