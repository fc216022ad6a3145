"""What a job is about, as far as the engine has to know: one column of a table, and what goes with it."""

from typing import Protocol


class Subject(Protocol):
    """A `Move` or a `Rotation`. All names are physical ones."""

    @property
    def schema(self) -> str:
        """The table's schema."""

    @property
    def table(self) -> str:
        """The table."""

    @property
    def column(self) -> str:
        """The column by the name that its users know."""

    @property
    def names(self) -> frozenset[str]:
        """The columns that are written: rows are not visited by them."""

    @property
    def row(self) -> tuple[str, ...]:
        """The primary key's columns in the model's order, where values are bound to their row."""

    @property
    def slug(self) -> str:
        """What tells the column's trigger from those of others."""

    @property
    def place(self) -> str:
        """`table.column`, for messages."""
