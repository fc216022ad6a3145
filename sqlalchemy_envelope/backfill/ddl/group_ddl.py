"""What a move does to a sibling that other columns share, as literal SQL: it stays while one of them does."""

from ..postgres.quoting import block, identifier, literal, relation
from ..subject.move import Move


def loosened(move: Move) -> list[str]:
    """Has the guards of the others let the sibling be there without their content, and their records say so.

    Each may run again. That lets more rows be than before, so none has to be looked at under a lock.
    """
    table = relation(move)
    strict, loose = (
        f"pg_catalog.concat(' {sign} (', pg_catalog.quote_ident({literal(move.dek)}), ' IS NULL)')"
        for sign in ("=", ">=")
    )
    found = (
        "SELECT k.conname, pg_catalog.pg_get_constraintdef(k.oid) AS told, k.convalidated"
        f" FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = {literal(table)}::regclass"
        " AND k.contype = 'c' AND pg_catalog.pg_get_constraintdef(k.oid) LIKE '%~~ ''\\\\xec03%'"
    )
    alter = f"ALTER TABLE {table.replace('%', '%%')}"
    drop, add = f"{alter} DROP CONSTRAINT %I", f"{alter} ADD CONSTRAINT %I %s NOT VALID"
    validate = f"{alter} VALIDATE CONSTRAINT %I"
    name = "DECLARE guard record;"
    record = (
        "UPDATE envelope.move SET context = context || '{\"shared\": true}', lasting_dek = dek"
        f' WHERE "schema" = {literal(move.schema)} AND "table" = {literal(move.table)}'
        f" AND dek = {literal(move.dek)} AND NOT context ? 'shared'"
    )
    return [
        _declared(
            name,
            f"FOR guard IN {found} LOOP",
            f"IF position({strict} IN guard.told) > 0 THEN",
            f"EXECUTE pg_catalog.format({literal(drop)}, guard.conname);",
            f"EXECUTE pg_catalog.format({literal(add)}, guard.conname, pg_catalog.replace("
            f"pg_catalog.replace(guard.told, ' NOT VALID', ''), {strict}, {loose}));",
            "END IF;",
            "END LOOP;",
        ),
        _declared(
            name,
            f"FOR guard IN {found} AND NOT k.convalidated LOOP",
            f"IF position({loose} IN guard.told) > 0 THEN",
            f"EXECUTE pg_catalog.format({literal(validate)}, guard.conname);",
            "END IF;",
            "END LOOP;",
        ),
        record,
    ]


def drop_unused(move: Move) -> list[str]:
    """Drops the sibling with the last column that it served; for one transaction with others."""
    table = relation(move)
    column = (
        f"SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = {literal(table)}::regclass"
        f" AND attname = {literal(move.dek)} AND NOT attisdropped"
    )
    used = (
        f"SELECT FROM pg_catalog.pg_constraint WHERE conrelid = {literal(table)}::regclass AND contype = 'c'"
        f" AND ({column}) = ANY (conkey)"
    )
    return [
        f"IF NOT EXISTS ({used}) THEN",
        f"ALTER TABLE {table} DROP COLUMN IF EXISTS {identifier(move.dek)};",
        "END IF;",
    ]


def without_content(move: Move) -> list[str]:
    """Has the last column left alone with the sibling: that goes where the column has no value."""
    table, dek = relation(move), literal(move.dek)
    others = (
        "SELECT DISTINCT a.attname FROM pg_catalog.pg_constraint AS k"
        " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)"
        " JOIN pg_catalog.pg_attribute AS d ON d.attrelid = k.conrelid AND d.attnum = ANY (k.conkey)"
        f" WHERE k.conrelid = {literal(table)}::regclass AND k.contype = 'c' AND a.attname <> {dek}"
        f" AND d.attname = {dek} AND pg_catalog.pg_get_constraintdef(k.oid) LIKE '%~~ ''\\\\xec03%'"
    )
    clear = f"UPDATE {table.replace('%', '%%')} SET %1$I = NULL WHERE %1$I IS NOT NULL AND %2$I IS NULL"
    return [
        _declared(
            "DECLARE others name[];",
            f"others := ARRAY({others});",
            "IF cardinality(others) = 1 THEN",
            f"EXECUTE pg_catalog.format({literal(clear)}, {dek}, others[1]);",
            "END IF;",
        )
    ]


def _declared(names: str, *lines: str) -> str:
    """One command with variables, in which definitions are told as they are looked for: with bytes in hex."""
    hexed = "PERFORM pg_catalog.set_config('bytea_output', 'hex', true);"
    return block(hexed, *lines).replace("BEGIN", f"{names} BEGIN", 1)
