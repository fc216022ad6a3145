"""How a column is told in messages, and how what a job has in the database is named after it."""

import hashlib


class Named:
    """A column by the name that its users know."""

    schema: str
    table: str
    column: str

    @property
    def place(self) -> str:
        """`table.column`, for messages."""
        return f"{self.table}.{self.column}"

    @property
    def slug(self) -> str:
        """Names what it has in the database, whatever the length of its own names: 16 hex digits."""
        names = f"{self.schema}\0{self.table}\0{self.column}"
        return hashlib.sha256(names.encode()).hexdigest()[:16]
