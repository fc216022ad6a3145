"""What is moved: one column of one table, where its plaintext lies and where its pair does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from ...context import Context
from ...errors import ConfigurationError
from ...padding import Padding
from .named import Named
from .valuetype import ValueType

MAX_NAME_BYTES = 63


class Authority(StrEnum):
    """Which of the two holds the truth where they differ; the other one's row is then pending."""

    PLAINTEXT = "plaintext"
    PAIR = "pair"


@dataclass(frozen=True)
class Move(Named):
    """One column on its way. All names are physical ones, as they are at present; `context` is logical.

    `column` is the name that its users know, and never changes. `in_place`: in the end the pair takes that
    name (`swapped`), and the plaintext another; else both keep the names that they began with.
    """

    schema: str
    table: str
    column: str
    plaintext: str
    content: str
    dek: str
    context: Context
    type: ValueType = ValueType.TEXT
    in_place: bool = True
    authority: Authority = Authority.PLAINTEXT

    @classmethod
    def plan(
        cls,
        table: str,
        column: str,
        *,
        schema: str = "public",
        into: str | None = None,
        dek: str | None = None,
        context: Context | str | None = None,
        type_: ValueType | str = ValueType.TEXT,
        tenant: str | None = None,
        bind_row: Sequence[str] | None = None,
        shared: bool = False,
        pad: Padding | None = None,
    ) -> Self:
        """A move that has not begun.

        `into`: the pair's own name for good, which leaves the plaintext's alone; without it the pair is made
        beside the column and takes its name in the end. `dek`: the sibling's name in the end,
        `<content>_dek` unless given. `context`: as in the model, `<table>.<content in the end>` unless given.
        `tenant`: the column that names each row's, `pad`: the lengths that stored values may have, as in the
        model. `bind_row`: the columns of the primary key in the model's order, where it binds values to their
        row. `shared`: other columns have the sibling `dek` too, for one data key a row.
        Raises `ConfigurationError` for names that PostgreSQL would cut, and for a second tenant.
        """
        content = into or f"{column}_encrypted"
        lasting = into or column
        where = Context.of(context) if context else Context(table, lasting, (dek or "") if shared else "")
        beside = (dek or f"{content}_dek") if into or shared else f"{content}_dek"
        if tenant is not None and where.tenant is not None:
            raise ConfigurationError(f"{table}.{column}: its context pins one tenant; leave out tenant=")
        move = cls(schema, table, column, column, content, beside, where, _value_type(type_), into is None)
        if shared and dek is None:
            raise ConfigurationError(f"{move.place}: shared=True goes with dek=, the sibling of them all")
        key = row_columns(bind_row, move.place)
        where = replace(where, bind_row=bool(key))
        move = replace(move, tenant=tenant, row=key, context=where, shared=shared, pad=pad)
        if into is None:
            move = replace(move, lasting_dek=dek or f"{column}_dek")
        _check_names(move)
        return move

    lasting_dek: str = ""
    """The sibling's name after the swap, where there is one."""

    tenant: str | None = None
    """The column that names the tenant of each row; None where the context says it."""

    row: tuple[str, ...] = ()
    """The primary key's columns in the model's order, where values are bound to their row."""
    shared: bool = False
    """Whether the sibling serves other columns too: then it is neither renamed, cleared nor dropped."""
    pad: Padding | None = None
    """The lengths that stored values may have."""

    def swapped(self) -> "Move":
        """The same after the swap of names: the pair has the column's, the plaintext another."""
        if not self.in_place or self.content == self.column:
            return self
        plaintext = f"{self.column}_plaintext"
        return replace(
            self, plaintext=plaintext, content=self.column, dek=self.lasting_dek, authority=Authority.PAIR
        )

    def handed_over(self) -> "Move":
        """The same with the truth in the pair: swapped where it is in place."""
        return self.swapped() if self.in_place else replace(self, authority=Authority.PAIR)

    def handed_back(self) -> "Move":
        """The same with the truth in the plaintext, under the names of the beginning."""
        if not self.in_place:
            return replace(self, authority=Authority.PLAINTEXT)
        content = f"{self.column}_encrypted"
        dek = self.dek if self.shared else f"{content}_dek"
        names = {"plaintext": self.column, "content": content, "dek": dek}
        return replace(self, authority=Authority.PLAINTEXT, **names)  # type: ignore[arg-type]

    @property
    def names(self) -> frozenset[str]:
        """The columns that are written: rows are not visited by them."""
        return frozenset((self.plaintext, self.content, self.dek))

    @property
    def cells(self) -> list[str]:
        """The columns of the pair that are its alone."""
        return [self.content] if self.shared else [self.content, self.dek]


def row_columns(given: Sequence[str] | None, place: str) -> tuple[str, ...]:
    """The primary key's columns that values are bound to. Raises `ConfigurationError` for anything else."""
    if isinstance(given, str | bool) or not all(given or ()):
        raise ConfigurationError(f'{place}: bind_row= lists the columns of the primary key: bind_row=["id"]')
    return tuple(given or ())


def _value_type(given: ValueType | str) -> ValueType:
    if given not in list(ValueType):
        raise ConfigurationError(f"type_= is one of {', '.join(ValueType)}, not {given!r}")
    return ValueType(given)


def _check_names(move: Move) -> None:
    """Raises where PostgreSQL would cut one, or two columns would have the same."""
    kept = f"{move.column}_plaintext"
    for name in (move.content, move.dek, move.lasting_dek, kept):
        if len(name.encode()) > MAX_NAME_BYTES:
            raise ConfigurationError(
                f"{move.place}: the name {name} would have over 63 bytes; choose shorter ones by into="
                " and dek="
            )
    meant = [move.column, move.content, move.dek]
    if len(set(meant)) < len(meant) or move.lasting_dek in {move.column, move.content, kept}:
        raise ConfigurationError(
            f"{move.place}: column, pair and sibling each need a name of their own; choose others by into="
            " and dek="
        )
