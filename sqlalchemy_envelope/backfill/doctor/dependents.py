"""What else in the schema uses the plaintext column: it goes on using that, and not the pair."""

from .finding import Question, Severity

_OF = "a.attrelid IN ({tables}) AND a.attname = {column}"


def _depends(catalog: str, name: str, more: str = "") -> str:
    """Names of objects of a catalog that depend on the column."""
    return (
        f"SELECT {name} FROM {catalog} AS o JOIN pg_depend AS d ON d.classid = '{catalog}'::regclass"
        " AND d.objid = o.oid AND d.refclassid = 'pg_class'::regclass JOIN pg_attribute AS a"
        f" ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE {_OF} {more} ORDER BY 1"
    )


_INDEX = (
    "SELECT DISTINCT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_attribute AS a"
    f" ON a.attrelid = i.indrelid WHERE {_OF} AND NOT i.indisprimary AND (a.attnum = ANY (i.indkey)"
    " OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass"
    " AND d.objid = i.indexrelid AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum))"
)
_ON_BOTH = "drop it with the plaintext: no statement can search, sort or join by an encrypted value"

DEPENDENTS = (
    Question(
        Severity.WARNING,
        f"{_INDEX} AND i.indisunique ORDER BY 1",
        "unique constraints or indexes will no longer keep values apart: {}",
        "keep uniqueness by another column, or give it up",
    ),
    Question(
        Severity.WARNING,
        f"{_INDEX} AND NOT i.indisunique ORDER BY 1",
        "indexes hold its values, over expressions and in predicates too: {}",
        _ON_BOTH,
    ),
    Question(
        Severity.WARNING,
        _depends("pg_rewrite", "o.ev_class::regclass::text", "AND o.ev_class NOT IN ({tables})"),
        "views or materialized views read it, and keep it from being dropped: {}",
        "drop or change them first; a materialized view holds a copy of the values",
    ),
    Question(
        Severity.WARNING,
        _depends("pg_rewrite", "o.rulename::text", "AND o.ev_class IN ({tables})"),
        "rules of the table use it: {}",
        "drop or change them first",
    ),
    Question(
        Severity.WARNING,
        _depends("pg_statistic_ext", "o.stxname::text"),
        "extended statistics keep its values: {}",
        "DROP STATISTICS before values are nulled",
    ),
    Question(
        Severity.WARNING,
        _depends(
            "pg_attrdef",
            "(SELECT g.attname FROM pg_attribute AS g WHERE g.attrelid = o.adrelid AND g.attnum = o.adnum)",
            "AND o.adnum <> a.attnum",
        ),
        "generated columns hold what they compute from it: {}",
        "drop them before the plaintext",
    ),
    Question(
        Severity.WARNING,
        _depends(
            "pg_constraint",
            "o.conname::text",
            "AND o.contype IN ('c', 'x') AND o.coninhcount = 0"
            " AND o.conname NOT LIKE 'envelope\\_%' AND pg_get_constraintdef(o.oid) !~ 'xec03'",
        ),
        "constraints look at its value, and will look at nothing: {}",
        "check in the application",
    ),
    Question(
        Severity.WARNING,
        _depends("pg_policy", "o.polname::text"),
        "row security policies look at it: {}",
        "let them look at another column",
    ),
    Question(
        Severity.WARNING,
        _depends(
            "pg_trigger",
            "o.tgname::text",
            "AND NOT o.tgisinternal AND o.tgname NOT LIKE 'zzz\\_envelope\\_%'",
        ),
        "triggers name it in their condition or column list: {}",
        "look at each: they go on with the plaintext column",
    ),
    Question(
        Severity.WARNING,
        f"SELECT DISTINCT coalesce(nullif(g.grantee, 0)::regrole::text, 'PUBLIC') FROM pg_attribute AS a,"
        f" aclexplode(a.attacl) AS g WHERE {_OF} ORDER BY 1",
        "rights to the column alone were granted to {}",
        "grant them for both columns of the pair",
    ),
    Question(
        Severity.NOTE,
        "SELECT p.pubname::text FROM pg_publication_tables AS p JOIN pg_namespace AS n"
        " ON n.nspname = p.schemaname JOIN pg_class AS c ON c.relnamespace = n.oid"
        " AND c.relname = p.tablename WHERE c.oid IN ({tables}) ORDER BY 1",
        "the table is published by {}",
        "add the pair to its subscribers' tables first; they keep their copies of the plaintext",
    ),
    Question(
        Severity.NOTE,
        "SELECT DISTINCT tgname::text FROM pg_trigger WHERE tgrelid IN ({tables}) AND NOT tgisinternal"
        " AND tgname NOT LIKE 'zzz\\_envelope\\_%' ORDER BY 1",
        "other triggers fire on the table: {}",
        "look whether they read the column or write it elsewhere",
    ),
    Question(
        Severity.NOTE,
        "SELECT count(*) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang"
        " WHERE l.lanname NOT IN ('internal', 'c') AND pronamespace NOT IN ('pg_catalog'::regnamespace,"
        " 'information_schema'::regnamespace) AND pronamespace::regnamespace::text <> 'envelope'"
        " HAVING count(*) > 0",
        "what the bodies of {} functions read can't be told from here",
        "search them for the column's name",
    ),
)
