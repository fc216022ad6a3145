"""The one short transaction in which truth, names, NOT NULL, DEFAULT, guard and trigger change hands."""

from ...checks import stored_guard
from ..postgres.quoting import column_facts, has_constraint, here, identifier, literal, refuse, relation
from ..record.fills import renaming_sql
from ..record.moves import record_sql
from ..subject.move import Move
from .trigger import creation, removal


def authority_is(move: Move, authority: str) -> str:
    """Whether the record says so; false where there is none."""
    return f"EXISTS (SELECT FROM envelope.move WHERE {here(move)} AND move.authority = {literal(authority)})"


def was_not_null(move: Move) -> str:
    """Whether the plaintext was NOT NULL when it handed over the truth."""
    return f"coalesce((SELECT plaintext_not_null FROM envelope.move WHERE {here(move)}), false)"


def close_jobs(move: Move, done: str, moot: str) -> list[str]:
    """Ends jobs that are open: those of the kind `done`, whose end was just proven, and the `moot` ones.

    Left open, they would be refused whenever somebody runs what is open.
    """
    mine = f"state <> 'done' AND move = (SELECT id FROM envelope.move WHERE {here(move)})"
    ended = "state = 'done', owner = NULL, error = NULL, finished_at = now()"
    return [
        f"UPDATE envelope.job SET {ended} WHERE {mine} AND kind = {literal(done)};",
        f"DELETE FROM envelope.job WHERE {mine} AND kind = {literal(moot)};",
    ]


def give(before: Move, after: Move, proof: str) -> list[str]:
    """From plaintext to pair, which becomes NOT NULL by the CHECK `proof` where the plaintext was.

    NOT NULL comes after the names, because PostgreSQL names a constraint after it.
    """
    facts = "a.attnotnull AS not_null, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression"
    table, plaintext = relation(before), identifier(before.plaintext)
    remember = (
        "UPDATE envelope.move SET plaintext_not_null = of.not_null, plaintext_default = of.expression"
        f" FROM ({column_facts(before, before.plaintext, facts)}) AS of WHERE {here(before)};"
    )
    return [
        f"{record_sql(after)};",
        remember,
        f"ALTER TABLE {table} ALTER COLUMN {plaintext} DROP NOT NULL, ALTER COLUMN {plaintext} DROP DEFAULT;",
        *_rename(before, after, ("plaintext", "content", "dek")),
        f"IF {was_not_null(before)} THEN",
        f"ALTER TABLE {table} {_each(after, 'SET NOT NULL')};",
        "END IF;",
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {proof};",
        *_try_null(after),
        *close_jobs(after, done="encrypt", moot="decrypt"),
    ]


def _try_null(after: Move) -> list[str]:
    """Takes two plaintexts away, and that back at once: whoever writes the pair alone does so from now on.

    A CHECK, a domain, or a key that refuses NULL, or a second one, would refuse the application's writes.
    """
    table, plaintext = relation(after), identifier(after.plaintext)
    first = f"SELECT ctid AS place, {plaintext} AS value FROM {table} LIMIT 1000"  # no scan under a lock
    some = f"SELECT place FROM ({first}) AS first WHERE value IS NOT NULL LIMIT 2"
    words = "a constraint refuses that the plaintext becomes NULL; drop it first, or its domain's"
    return [
        "BEGIN",
        f"UPDATE {table} SET {plaintext} = NULL WHERE ctid = ANY (ARRAY({some}));",
        "RAISE EXCEPTION USING ERRCODE = 'EN000';",
        "EXCEPTION",
        "WHEN SQLSTATE 'EN000' THEN NULL;",
        f"WHEN integrity_constraint_violation THEN {refuse(after, words)}",
        "END;",
    ]


def take(before: Move, after: Move, proof: str) -> list[str]:
    """From pair back to plaintext, which becomes NOT NULL again by the CHECK `proof` where it was."""
    table, plaintext = relation(before), identifier(after.plaintext)
    default = f"ALTER TABLE {table} ALTER COLUMN {plaintext} SET DEFAULT "
    remembered = f"SELECT plaintext_default FROM envelope.move WHERE {here(before)}"
    return [
        f"{record_sql(after)};",
        f"ALTER TABLE {table} {_each(before, 'DROP NOT NULL')};",
        *_rename(before, after, ("content", "dek", "plaintext")),
        f"IF ({remembered}) IS NOT NULL THEN EXECUTE {literal(default)} || ({remembered}); END IF;",
        f"IF {was_not_null(before)} THEN",
        f"ALTER TABLE {table} ALTER COLUMN {plaintext} SET NOT NULL;",
        "END IF;",
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {proof};",
        *close_jobs(after, done="decrypt", moot="null"),
    ]


def _each(move: Move, change: str) -> str:
    return ", ".join(f"ALTER COLUMN {identifier(each)} {change}" for each in move.cells)


def _rename(before: Move, after: Move, order: tuple[str, ...]) -> list[str]:
    """Columns, guard and the names in the trigger's function; CHECKs and WHEN follow columns themselves."""
    names = [(getattr(before, which), getattr(after, which)) for which in order]
    return [
        *removal(before),
        *(_rename_column(before, old, new) for old, new in names if old != new),
        *_rename_guard(before, after),
        *creation(after),
        "IF to_regclass('envelope.fill') IS NOT NULL THEN",
        f"{renaming_sql(before.schema, before.table, before.content, after.content, after.dek)};",
        "END IF;",
    ]


def _rename_column(move: Move, old: str, new: str) -> str:
    return f"ALTER TABLE {relation(move)} RENAME COLUMN {identifier(old)} TO {identifier(new)};"


def _rename_guard(before: Move, after: Move) -> list[str]:
    old, new = (stored_guard(each.table, each.content) for each in (before, after))
    rename = f"ALTER TABLE {relation(before)} RENAME CONSTRAINT {identifier(old)} TO {identifier(new)};"
    return [f"IF {has_constraint(before, old)} THEN", rename, "END IF;"] if old != new else []
