"""What a move can't be begun with: each would lose a value, or can't be encrypted at all."""

from .finding import Question, Severity

_KEYS = """
SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = {table} AND i.indisunique AND i.indisvalid
AND i.indexprs IS NULL AND i.indpred IS NULL AND NOT EXISTS (
    SELECT FROM unnest(i.indkey[:i.indnkeyatts - 1]) AS k (attnum) JOIN pg_attribute AS a
    ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE NOT a.attnotnull OR a.attname = {column})
"""

_OURS = "a.attrelid = {table} AND a.attname = {column}"

NO_TABLE = Question(
    Severity.REFUSAL,
    "SELECT 1 FROM pg_class WHERE oid = {table} AND relkind NOT IN ('r', 'p')",
    "this is not a table",
    "move the table that it reads",
)
"""Where this is found, nothing else is asked."""

REFUSED = (
    Question(
        Severity.REFUSAL,
        "SELECT inhparent::regclass FROM pg_inherits JOIN pg_class ON oid = inhrelid AND relispartition"
        " WHERE inhrelid = {table}",
        "this is a partition of {}",
        "move that table: its partitions go with it",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT relowner::regrole FROM pg_class WHERE oid = {table} AND NOT pg_has_role(relowner, 'USAGE')",
        "the table belongs to {}",
        "connect as that role or a member of it",
    ),
    Question(
        Severity.REFUSAL,
        f"SELECT 1 WHERE NOT EXISTS ({_KEYS})",
        "there is no primary or unique key that is NOT NULL and without this column",
        "add one: batches follow it",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT i.indexrelid::regclass FROM pg_index AS i JOIN pg_attribute AS a ON a.attnum = ANY (i.indkey)"
        f" WHERE {_OURS} AND i.indrelid = {{table}} AND i.indisprimary",
        "it is in the primary key {}",
        "an encrypted value can't be compared: give the table another key",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT 1 FROM pg_partitioned_table AS p WHERE p.partrelid IN ({tables}) AND EXISTS (SELECT FROM"
        " pg_attribute AS a WHERE a.attrelid = p.partrelid AND a.attname = {column} AND"
        " (a.attnum = ANY (p.partattrs) OR pg_get_partkeydef(p.partrelid) ~ ('\\m' || a.attname || '\\M')))",
        "it is in the partition key",
        "partition by another column",
    ),
    Question(
        Severity.REFUSAL,
        f"SELECT 1 FROM pg_attribute AS a WHERE {_OURS} AND (a.attgenerated <> '' OR a.attidentity <> '')",
        "the database makes its values itself",
        "an application has to write them",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class ON oid = inhparent"
        " WHERE relkind = 'r' AND (inhparent = {table} OR inhrelid = {table})",
        "tables inherit outside partitioning, and triggers are not inherited: {}",
        "end the inheritance, or make them partitions",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT conname FROM pg_constraint AS k JOIN pg_attribute AS a ON k.contype = 'f' AND"
        " (a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)"
        f" OR a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)) WHERE {_OURS}",
        "it is in the foreign keys {}",
        "refer by another column",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT relid FROM (SELECT c.oid::regclass AS relid FROM pg_class AS c WHERE c.oid IN ({tables})"
        " AND c.relreplident = 'f') AS full_rows",
        "its replica identity is FULL, so that every old row is sent on, values included: {}",
        "set REPLICA IDENTITY DEFAULT, or acknowledge it",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT tgname FROM pg_trigger WHERE tgrelid IN ({tables}) AND NOT tgisinternal AND tgtype & 2 = 2"
        ' AND tgtype & 1 = 1 AND tgtype & 20 <> 0 AND tgname COLLATE "C" > {trigger}'
        " AND tgname NOT LIKE 'zzz\\_envelope\\_%'",
        "triggers fire after ours and may change the value unseen: {}",
        "rename them to sort before zzz_envelope",
    ),
    Question(
        Severity.REFUSAL,
        "SELECT 1 WHERE row_security_active({table})",
        "row security hides rows from this role",
        "connect as a role with BYPASSRLS",
    ),
)

TAKEN = Question(
    Severity.REFUSAL,
    "SELECT attname FROM pg_attribute WHERE attrelid = {table} AND attname IN ({names}) AND NOT attisdropped",
    "names that the move needs are taken: {}",
    "rename those columns, or choose other names by into= and dek=",
)
"""Asked before anything is recorded only: afterwards they are ours."""
