"""One row of a table by its primary key, given as words: the beginnings of its cells, and nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ... import wire
from ...errors import ConfigurationError
from ..postgres.names import qualified, quoted
from .cells import CONTENT_HEAD, Head
from .inventory import StoredPair

_KEY = """
SELECT a.attname, quote_ident(n.nspname) || '.' || quote_ident(t.typname), t.typname
FROM (
    SELECT i.indexrelid, i.indrelid, i.indkey, i.indnkeyatts FROM pg_index AS i
    WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = i.indrelid
        AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1
) AS i
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE k.place <= i.indnkeyatts ORDER BY k.place"""
"""The primary key's columns in order, or those of another key that finds one row; with their types."""


@dataclass(frozen=True)
class Row:
    """A row's key by column, as it was given; its cells' beginnings; whether it has plaintext too."""

    key: dict[str, str]
    content: Head | None
    dek: Head | None
    plaintext: bool


def find_row(connection: "psycopg.Connection[Any]", pair: StoredPair, words: Sequence[str]) -> Row:
    """The row of these key words. Raises `ConfigurationError` where they are no key, or no row has it."""
    place = f"{pair.table}.{pair.column}"
    table = qualified(pair.schema, pair.table)
    columns = connection.execute(_KEY, [table.replace("%%", "%")]).fetchall()
    if not columns:
        raise ConfigurationError(f"{place}: {pair.table} has no primary key, so no row can be named")
    names = [name for name, _, _ in columns]
    if len(words) != len(names):
        order = ", ".join(names)
        raise ConfigurationError(
            f"{place}: the key of {pair.table} is {order}: give {len(names)} in that order"
        )
    matches = " AND ".join(f"{quoted(name)} = CAST(%s AS {type_})" for name, type_, _ in columns)
    query = f"SELECT {_facts(pair)} FROM {table} WHERE {matches}"
    try:
        found = connection.execute(query.encode(), list(words)).fetchone()
    except psycopg.DataError:
        types = ", ".join(f"{name} is {plain}" for name, _, plain in columns)
        raise ConfigurationError(f"{place}: that is no key of {pair.table}: {types}") from None
    if found is None:
        raise ConfigurationError(f"{place}: no row of {pair.table} has that key")
    return _row(dict(zip(names, words, strict=True)), *found)


def _facts(pair: StoredPair) -> str:
    content, dek = quoted(pair.content or ""), quoted(pair.dek or "")
    plaintext = "false" if pair.plaintext is None else f"{quoted(pair.plaintext)} IS NOT NULL"
    return (
        f"substr({content}, 1, {CONTENT_HEAD}), octet_length({content}),"
        f" substr({dek}, 1, {wire.KEY_HEAD_BYTES}), octet_length({dek}), {plaintext}"
    )


def _row(
    key: dict[str, str],
    content: bytes | None,
    length: int,
    dek: bytes | None,
    dek_length: int,
    plaintext: bool,
) -> Row:
    return Row(
        key,
        None if content is None else Head(bytes(content), length),
        None if dek is None else Head(bytes(dek), dek_length),
        plaintext,
    )
