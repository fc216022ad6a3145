"""The chain of custody of one value, by SQL alone: no key is needed, and neither it nor the value is read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ...errors import ConfigurationError, Failure
from .cells import Cells, ContentFacts, KeyFacts, facts_of
from .inventory import StoredPair, pairs
from .kekfacts import Found, KekFacts, find_kek, known_names, name_of
from .row import Row, find_row

_UNGUARDED = """
SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p') AND (%s::text IS NULL OR n.nspname = %s)
AND 2 = (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND NOT a.attisdropped
    AND a.atttypid = 'bytea'::regtype AND a.attname IN (%s, %s))"""

_WORDS = {
    Failure.LONE_CELL: "one cell of the pair is missing",
    Failure.MAGIC: "a cell does not begin as an envelope does",
    Failure.VERSION: "a cell has a version that this column does not take",
    Failure.SUITE: "the content names an unknown cipher suite",
    Failure.FLAGS: "the content has bindings that this version does not know",
    Failure.WRAP: "the data key is wrapped in an unknown way",
    Failure.LENGTH: "a cell has an impossible length",
}


@dataclass(frozen=True)
class Chain:
    """One value, from its cell to the key that everything hangs on.

    `key`: the row's key as it was given. `content`, `dek`: what the cells say of themselves, None where a
    cell is NULL or of no known form. `provider`: the key that wrapped the data key directly, if its name is
    known. `kek`: the key-encryption key, where there is one. `findings`: why it does not open, as far as
    that shows without keys; empty where nothing speaks against it.
    """

    schema: str
    table: str
    column: str
    key: dict[str, str]
    content: ContentFacts | None
    dek: KeyFacts | None
    provider: str | None
    kek: KekFacts | None
    plaintext: bool
    guarded: bool
    authority: str | None
    findings: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is no value at all."""
        return self.content is None and self.dek is None and not self.findings


def explain(
    connection: "psycopg.Connection[Any]",
    place: tuple[str | None, str, str],
    words: Sequence[str],
    names: Collection[str] = (),
) -> Chain:
    """The chain of one value: of a column (schema or None, table, column) in the row with this key.

    `names`: ARNs that directly wrapped keys may be of, besides those that the table of keys names. Raises
    `ConfigurationError` where there is no such column, key or row.
    """
    pair = _pair(connection, *place)
    row = find_row(connection, pair, words)
    others = pair.shared and row.content is None  # the key is for the row's other columns
    cells = facts_of(row.content, None if others else row.dek, pair.accept)
    found = _kek(connection, cells)
    known = {*names, *known_names(connection)}
    findings = (*_findings(cells), *found.findings, *_bindings(cells, found.key))
    return _chain(pair, row, cells, _provider(cells.key, known), found.key, findings)


def _chain(
    pair: StoredPair,
    row: Row,
    cells: Cells,
    provider: str | None,
    kek: KekFacts | None,
    findings: tuple[str, ...],
) -> Chain:
    return Chain(
        pair.schema,
        pair.table,
        pair.column,
        row.key,
        cells.content,
        cells.key,
        provider,
        kek,
        row.plaintext,
        pair.guarded,
        pair.authority.value if pair.authority else None,
        findings,
    )


def _pair(connection: "psycopg.Connection[Any]", schema: str | None, table: str, column: str) -> StoredPair:
    """The pair by its guard or its move, by the name that users know or its own; else by its names."""
    place = f"{table}.{column}"
    known = [each for each in pairs(connection) if each.table == table and schema in (None, each.schema)]
    found = [each for each in known if column in (each.column, each.content)]
    found = found or _unguarded(connection, schema, table, column)
    if len(found) > 1:
        schemas = ", ".join(each.schema for each in found)
        raise ConfigurationError(f"{place} is in several schemas ({schemas}): name one")
    if not found:
        raise ConfigurationError(f"{place} is no encrypted column here: status lists those that are")
    if found[0].content is None:
        raise ConfigurationError(f"{place} is not encrypted yet: its move has no pair; see doctor")
    return found[0]


def _unguarded(
    connection: "psycopg.Connection[Any]", schema: str | None, table: str, column: str
) -> list[StoredPair]:
    dek = f"{column}_dek"
    rows = connection.execute(_UNGUARDED, [table, schema, schema, column, dek]).fetchall()
    return [StoredPair(name, table, column, column, dek) for (name,) in rows]


def _kek(connection: "psycopg.Connection[Any]", cells: Cells) -> Found:
    key = cells.key
    return (
        find_kek(connection, bytes.fromhex(key.key_id))
        if key and key.wrap == "kek" and key.key_id
        else Found(None)
    )


def _provider(key: KeyFacts | None, names: Collection[str]) -> str | None:
    """What people call the key that wrapped a data key itself."""
    if key is None or key.key_id is None or key.wrap == "kek":
        return None
    return f"static:{key.key_id}" if key.wrap == "static" else name_of(key.key_id, names)


def _findings(cells: Cells) -> tuple[str, ...]:
    return tuple(f"{_WORDS[failure]} ({failure})" for failure in cells.failures)


def _bindings(cells: Cells, kek: KekFacts | None) -> tuple[str, ...]:
    """A tenant's value is under a key of that tenant, and a value of none under a key of none."""
    if kek is None or cells.content is None or cells.content.tenant_bound == (kek.tenant is not None):
        return ()
    value = "a tenant" if cells.content.tenant_bound else "no tenant"
    key = "none" if kek.tenant is None else "a tenant"
    return (f"the value is bound to {value}, its key-encryption key is of {key}: exchanged",)
