"""What a command is about: a column by its name, or a job by its number."""

import re
from dataclasses import dataclass
from typing import Any

from ..backfill.record.moves import RecordedMove, recorded
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
    def of(cls, stored: Any) -> "Place":
        """Of anything with a schema, a table and a column; `public` goes without saying."""
        return cls(None if stored.schema == "public" else stored.schema, stored.table, stored.column)

    @classmethod
    def parse(cls, words: str) -> "Place":
        """From the words of the command line; a name with a dot in it stands in double quotes, as in SQL."""
        if not _WHOLE.fullmatch(words):
            raise ConfigurationError('a column is TABLE.COLUMN or SCHEMA.TABLE.COLUMN, "quoted" if need be')
        names = [quoted.replace('""', '"') or bare for quoted, bare in _PART.findall(words)]
        return cls(names[0] if len(names) == 3 else None, names[-2], names[-1])

    def has(self, stored: Any) -> bool:
        """Whether that one's column is meant."""
        named = (self.table, self.column) == (stored.table, stored.column)
        return named and self.schema in (None, stored.schema)

    def __str__(self) -> str:
        """As `parse` reads it."""
        return ".".join(map(_quoted, filter(None, (self.schema, self.table, self.column))))


def _quoted(name: str) -> str:
    needed = "." in name or '"' in name
    return '"' + name.replace('"', '""') + '"' if needed else name


def job_number(words: str) -> int | None:
    """The number, where the words are one."""
    return int(words) if words.isascii() and words.isdigit() else None


def move_of(connection: Any, place: Place) -> RecordedMove:
    """The recorded move of a column. `ConfigurationError` where there is none, or more than one."""
    found = find_move(connection, place)
    if found is None:
        raise ConfigurationError(
            f"no move of {place} is recorded here; op.encrypt_column in a migration begins one, or"
            f" sqlalchemy-envelope step begin {place}"
        )
    return found


def find_move(connection: Any, place: Place) -> RecordedMove | None:
    """The same; None where there is none."""
    found = [each for each in recorded(connection) if place.has(each.move)]
    schemas = [each.move.schema for each in found]
    if found and place.schema is None and "public" not in schemas and _is_in_public(connection, place):
        schemas.append("public")  # what is begun by that name, and what such a name is told of
    if len(schemas) > 1:
        raise ConfigurationError(f"{place} is in several schemas ({', '.join(schemas)}): name one")
    return found[0] if found else None


def _is_in_public(connection: Any, place: Place) -> bool:
    query = (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c"
        " ON c.oid = a.attrelid WHERE c.relnamespace = to_regnamespace('public') AND c.relname = %s"
        " AND a.attname = %s AND NOT a.attisdropped)"
    )
    return bool(connection.execute(query, [place.table, place.column]).fetchone()[0])
