"""What a command is about: a column by its name, or a job by its number."""

import re
from dataclasses import dataclass
from typing import Any

from ..backfill.moves import RecordedMove, recorded
from ..errors import ConfigurationError

_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')
_WHOLE = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern})){{1,2}}")


@dataclass(frozen=True)
class Place:
    """`table.column` or `schema.table.column`. Without a schema, any that has the table."""

    schema: str | None
    table: str
    column: str

    @classmethod
    def parse(cls, words: str) -> "Place":
        """From the words of the command line; a name with a dot in it stands in double quotes, as in SQL."""
        if not _WHOLE.fullmatch(words):
            raise ConfigurationError('a column is TABLE.COLUMN or SCHEMA.TABLE.COLUMN, "quoted" if need be')
        names = [quoted.replace('""', '"') or bare for quoted, bare in _PART.findall(words)]
        return cls(names[0] if len(names) == 3 else None, names[-2], names[-1])

    def has(self, schema: str, table: str, column: str) -> bool:
        """Whether that column is meant."""
        return (self.table, self.column) == (table, column) and self.schema in (None, schema)

    def __str__(self) -> str:
        return ".".join(filter(None, (self.schema, self.table, self.column)))


def job_number(words: str) -> int | None:
    """The number, where the words are one."""
    return int(words) if words.isascii() and words.isdigit() else None


def move_of(connection: Any, place: Place) -> RecordedMove:
    """The recorded move of a column. `ConfigurationError` where there is none, or more than one."""
    known = recorded(connection)
    found = [each for each in known if place.has(each.move.schema, each.move.table, each.move.column)]
    if len(found) > 1:
        schemas = ", ".join(each.move.schema for each in found)
        raise ConfigurationError(f"{place} is in several schemas ({schemas}): name one")
    if not found:
        raise ConfigurationError(
            f"no move of {place} is recorded here; op.encrypt_column in a migration begins one"
        )
    return found[0]
