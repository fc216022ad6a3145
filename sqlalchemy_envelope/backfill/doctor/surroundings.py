"""The server around a move: what holds back cleaning up, what fills disks; and how large the work is."""

from .finding import Question, Severity

_SIZES = (
    "SELECT sum(pg_relation_size(c.oid)) AS heap, sum(pg_total_relation_size(c.oid)) AS total,"
    " sum(greatest(c.reltuples, 0))::bigint AS rows, bool_and(c.reltuples >= 0) AS known FROM pg_class AS c"
    " WHERE c.oid IN ({tables}) AND c.relkind = 'r'"
)
ROWS_A_SECOND = 20_000
"""A cautious guess for one worker with a local key; under a strict KMS each row waits for a call."""

SURROUNDINGS = (
    Question(
        Severity.WARNING,
        "SELECT 'pid ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ', ' || state"
        " || ')' FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND xact_start < now() - interval '5 minutes' ORDER BY xact_start",
        "transactions are over five minutes old: {}",
        "end them: no old row version is cleaned up meanwhile, and DDL waits",
    ),
    Question(
        Severity.WARNING,
        "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()",
        "prepared transactions are left: {}",
        "commit them or roll them back",
    ),
    Question(
        Severity.WARNING,
        "SELECT slot_name::text FROM pg_replication_slots WHERE NOT active",
        "replication slots that nobody reads keep WAL: {}",
        "drop those that are given up, or the disk fills",
    ),
    Question(
        Severity.WARNING,
        "SELECT last_failed_wal FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off'"
        " AND last_failed_time > coalesce(last_archived_time, '-infinity')",
        "the archiver fails at {}",
        "mend it first: WAL piles up",
    ),
    Question(
        Severity.WARNING,
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.oid IN ({tables}) AND EXISTS"
        " (SELECT FROM unnest(c.reloptions) AS o WHERE o IN ('autovacuum_enabled=false',"
        " 'autovacuum_enabled=off')) ORDER BY 1",
        "autovacuum is off for {}",
        "switch it on: each row is written once more",
    ),
)
"""Asked at any time."""

AHEAD = (
    Question(
        Severity.NOTE,
        f"SELECT pg_size_pretty(3 * heap) FROM ({_SIZES}) AS size",
        "it takes about {} of free disk, three times the heap, and as much WAL again",
        "SQL can't see what is free: look",
    ),
    Question(
        Severity.NOTE,
        f"SELECT pg_size_pretty(total) FROM ({_SIZES}) AS size WHERE known IS FALSE",
        "{}, and how many rows is not known, for it was never analysed",
        "ANALYZE it, and ask again",
    ),
    Question(
        Severity.NOTE,
        f"SELECT rows || ' rows as the planner has it, ' || pg_size_pretty(total) || ': a pass takes ' ||"
        f" make_interval(secs => ceil(rows / {ROWS_A_SECOND}.0)) FROM ({_SIZES}) AS size WHERE known",
        f"{{}} if one worker does {ROWS_A_SECOND:,} rows a second, which nobody measured here",
        "once the move is begun, backfill --dry-run tries it on some rows, under your own keys",
    ),
    Question(
        Severity.NOTE,
        f"SELECT 1 FROM ({_SIZES}) AS size WHERE rows > 100000 AND NOT EXISTS (SELECT FROM pg_class AS c,"
        " unnest(c.reloptions) AS o WHERE c.oid IN ({tables}) AND o LIKE 'fillfactor=%')",
        "pages are filled whole, so nearly no update stays on its page",
        "a fillfactor of 50 before the backfill saves writes to indexes",
    ),
)
"""Asked while the rows are still to be moved."""
