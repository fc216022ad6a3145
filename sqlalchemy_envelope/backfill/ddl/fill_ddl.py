"""What a blind index does to a table, as literal SQL: one command a string, each in a transaction of its own.

A writer that does not know the index can't be stopped from changing a value, so a trigger sets its digest to
NULL, and the row is pending: a stale one would be found by a value that is gone. Who names the digest's
column in his SET clause knows it; that the value was sealed anew and is the same one is no reason to lose it.
"""

from ...checks import stored_index
from ..postgres.quoting import block, dollars, identifier, literal
from ..subject.fill import Fill

SAME_VALUES = "envelope.same_values"
"""A setting of a session that seals values anew and changes none: a rotation's."""


def add_column(fill: Fill) -> list[str]:
    """The column, empty, and the trigger."""
    column = f"ADD COLUMN IF NOT EXISTS {identifier(fill.column)} bytea"
    return [f"ALTER TABLE {table(fill)} {column}", block(*trigger(fill))]


def create_index(fill: Fill, *, concurrently: bool) -> str:
    """The real index; `concurrently`: beside readers and writers, in no transaction."""
    unique, way = ("UNIQUE " if fill.index.unique else ""), ("CONCURRENTLY " if concurrently else "")
    name = identifier(index_name(fill))
    return f"CREATE {unique}INDEX {way}IF NOT EXISTS {name} ON {table(fill)} ({identifier(fill.column)})"


def drop_index(fill: Fill) -> str:
    """The real index away, in no transaction: one that could not be made is left invalid."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {identifier(fill.schema)}.{identifier(index_name(fill))}"


def drop_column(fill: Fill) -> list[str]:
    """The column goes, with its index and trigger."""
    column = f"ALTER TABLE {table(fill)} DROP COLUMN IF EXISTS {identifier(fill.column)};"
    return [block(*removal(fill), column)]


def index_name(fill: Fill) -> str:
    """Of the real index, as a model's `create_all` makes it."""
    return stored_index(fill.table, fill.column)


def table(fill: Fill) -> str:
    """The table, with its schema."""
    return f"{identifier(fill.schema)}.{identifier(fill.table)}"


def trigger(fill: Fill) -> list[str]:
    """The statements that make both triggers; the one that notes who knows the index sorts first.

    Both sort after that of a move, which sets a pair to NULL.
    """
    digest = [fill.column]
    kept = f"NEW.{identifier(fill.column)} IS NOT NULL AND pg_catalog.record_image_eq({_both(digest)})"
    when = f"{kept} AND pg_catalog.record_image_ne({_both(list(fill.contents))})"
    note = dollars(f"BEGIN PERFORM pg_catalog.set_config({_note(fill)}, {_version()}, true); RETURN NEW; END")
    known = f"pg_catalog.current_setting({_note(fill)}, true) = {_version()}"
    same = f"pg_catalog.current_setting('{SAME_VALUES}', true) = 'on'"
    unless = f"IF {known} OR {same} THEN RETURN NEW; END IF;"
    body = dollars(f"BEGIN {unless} NEW.{identifier(fill.column)} := NULL; RETURN NEW; END")
    named = f"BEFORE UPDATE OF {identifier(fill.column)}"
    make, at = "CREATE OR REPLACE FUNCTION", table(fill)
    fire = f"ON {at} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION"
    return [
        *removal(fill),
        f"{make} {_function(fill, 'note')} RETURNS trigger LANGUAGE plpgsql AS {note};",
        f"{make} {_function(fill, 'outdate')} RETURNS trigger LANGUAGE plpgsql AS {body};",
        f"CREATE TRIGGER {_name(fill, '+')} {named} {fire} {_function(fill, 'note')};",
        f"CREATE TRIGGER {_name(fill)} BEFORE UPDATE {fire} {_function(fill, 'outdate')};",
        *(f"ALTER TABLE {at} ENABLE ALWAYS TRIGGER {each};" for each in (_name(fill, "+"), _name(fill))),
    ]


def has_triggers(fill: Fill) -> str:
    """Whether both are there and enabled."""
    names = ", ".join(literal(_bare_name(fill, mark)) for mark in ("+", ""))
    return (
        "2 = (SELECT count(*) FROM pg_catalog.pg_trigger"
        f" WHERE tgrelid = {literal(table(fill))}::regclass AND tgenabled = 'A' AND tgname IN ({names}))"
    )


def removal(fill: Fill) -> list[str]:
    """The statements that remove both triggers with their functions."""
    return [
        *(f"DROP TRIGGER IF EXISTS {each} ON {table(fill)};" for each in (_name(fill, "+"), _name(fill))),
        *(f"DROP FUNCTION IF EXISTS {_function(fill, what)};" for what in ("note", "outdate")),
    ]


def _name(fill: Fill, mark: str = "") -> str:
    return identifier(_bare_name(fill, mark))


def _bare_name(fill: Fill, mark: str) -> str:
    return f"zzz_envelope_index_{mark}{fill.slug}"


def _function(fill: Fill, what: str) -> str:
    return f"envelope.{what}_index_{fill.slug}()"


def _note(fill: Fill) -> str:
    """A setting of the session's own for each index: several may be written at once."""
    return literal(f"envelope.index_{fill.slug}")


def _version() -> str:
    return "OLD.tableoid || ' ' || OLD.ctid"


def _both(names: list[str]) -> str:
    rows = (
        "ROW(" + ", ".join(f"{which}.{identifier(name)}" for name in names) + ")" for which in ("OLD", "NEW")
    )
    return ", ".join(rows)
