"""`op.drop_key_store` in `--sql` mode: the script counts and refuses by itself, whatever session runs it."""

from collections.abc import Mapping

from .. import wire
from ..backfill.postgres.quoting import literal
from ..keyring.index_store import TAG_BYTES
from ..keystore.index_usage import INDEXED

REFUSAL = "the keys can't be dropped: values are under them, and would never open again"
REMEDY = "move them from under the keys first (docs/rotation.md)"
SNAPSHOT = "the keys are dropped at READ COMMITTED: an older snapshot would miss values"

_CONTENT, _KEY = (bytes((magic, wire.VERSION)).hex() for magic in (wire.CONTENT_MAGIC, wire.KEY_MAGIC))
_UNDER_A_KEY = f"'\\x{bytes((wire.KEY_MAGIC, wire.VERSION, wire.Wrap.KEK)).hex()}'"
"""How the sibling of a value begins whose data key is wrapped by a key of the table."""

_SIBLINGS = rf"""SELECT k.conrelid::regclass::text,
        substring(pg_get_constraintdef(k.oid) from '("(?:[^"]|"")*"|\w+) ~~ ''\\x{_KEY}')
    FROM pg_catalog.pg_constraint AS k
    WHERE k.contype = 'c' AND k.coninhcount = 0 AND NOT pg_is_other_temp_schema(k.connamespace)
    AND position('''\x{_CONTENT}' IN pg_get_constraintdef(k.oid)) > 0
    AND position('''\x{_KEY}' IN pg_get_constraintdef(k.oid)) > 0
    ORDER BY 1, 2"""
"""Each table with an encrypted column, and that column's sibling, both quoted; found by their guards, which a
session tells so that has `SETTINGS`."""

_DIGESTS = f"""SELECT format('%I.%I', i.nspname, i.relname), format('%I', i.attname)
    FROM ({INDEXED.strip()}) AS i"""

_UNDER_AN_INDEX_KEY = f"""(SELECT substr(uuid_send(id), 1, {TAG_BYTES}) FROM envelope.key
            WHERE purpose <> 'data' AND state <> 'destroyed')"""

SETTINGS = {
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "search_path": "pg_catalog, pg_temp",
    "row_security": "off",  # an error rather than a count that lacks rows
}
"""What the session has otherwise is put back: they sway how PostgreSQL tells a CHECK, and what is counted.
Statements of a block are read when they are first run, so after the first setting."""

_HAD = "\n".join(f"    had_{name} text := pg_catalog.current_setting('{name}');" for name in SETTINGS)


def _settings(values: Mapping[str, str]) -> str:
    lines = (f"PERFORM pg_catalog.set_config('{name}', {value}, true);" for name, value in values.items())
    return "\n".join(f"    {line}" for line in lines)


def _count(cells: str, begin: str, length: int) -> str:
    """Adds to `held` each column of `cells` that has values under a key."""
    counted = f"SELECT count(*) FROM %s WHERE substr(%s, 1, {length}) "
    return f"""FOR cell IN SELECT * FROM ({cells}) AS cells (relation, name) LOOP
        EXECUTE format({literal(counted)} || {literal(begin)}, cell.relation, cell.name) INTO found;
        IF found > 0 THEN
            held := concat(held, ' ', cell.relation, '.', cell.name, ': ', found);
        END IF;
    END LOOP;"""


REMOVAL = f"""DO $envelope$
DECLARE
    cell record;
    found bigint;
    held text := '';
{_HAD}
BEGIN
    IF to_regclass('envelope.key') IS NULL THEN
        RETURN;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = {literal(SNAPSHOT)};
    END IF;
{_settings({name: literal(value) for name, value in SETTINGS.items()})}
    FOR cell IN SELECT DISTINCT relation FROM ({_SIBLINGS}) AS cells (relation, name) ORDER BY 1 LOOP
        EXECUTE format('LOCK TABLE %s IN SHARE MODE', cell.relation);
    END LOOP;
    LOCK TABLE envelope.key IN ACCESS EXCLUSIVE MODE;
    {_count(_SIBLINGS, f"= {_UNDER_A_KEY}::bytea", 3)}
    {_count(_DIGESTS, f"IN {_UNDER_AN_INDEX_KEY}", TAG_BYTES)}
    IF held <> '' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {literal(REFUSAL + ":")} || held, HINT = {literal(REMEDY)};
    END IF;
    DROP TABLE envelope.key;
    IF NOT EXISTS (SELECT FROM envelope.key_receipt) THEN
        DROP TABLE envelope.key_receipt;
    END IF;
    DELETE FROM envelope.component WHERE name = 'keys';
{_settings({name: f"had_{name}" for name in SETTINGS})}
END
$envelope$"""
