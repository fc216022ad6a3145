"""The trigger that keeps a pair and its plaintext from differing unseen while both are there.

A trigger can't encrypt, but it can say that a cell is out of date: whoever changes the one that is true and
not the other sets that other one to NULL, and the row is pending. Values are compared as they are stored
(their image): equality would take two spellings of a case-insensitive text for one, and `json` has none.

Where the pair is the truth, two more do what that one can't. One refuses who exchanges a kept plaintext and
not the pair: that is a writer of an older version, and what it wrote would be lost. One fires before the
first, for who names the plaintext in his SET clause: he writes both, and if it is the value that was there
already, it stays.
"""

from ..postgres.quoting import block, dollars, identifier, literal, relation
from ..subject.move import Authority, Move


def trigger_name(move: Move) -> str:
    """Sorts last, because triggers fire by name and others may change the plaintext."""
    return f"zzz_envelope_{move.slug}"


def create_trigger(move: Move) -> list[str]:
    """Makes the trigger for the move's authority, in place of the other one. Needs the schema `envelope`."""
    return [block(*creation(move))]


def drop_trigger(move: Move) -> list[str]:
    """Removes the trigger, whichever way it works, and its function."""
    return [block(*removal(move))]


def creation(move: Move) -> list[str]:
    """The statements of `create_trigger`, for one transaction with others."""
    if move.authority is Authority.PLAINTEXT:
        bound = [*([] if move.tenant is None else [move.tenant]), *move.row]  # another's pair never opens
        changed, kept, outdated = [move.plaintext, *bound], [move.content], move.cells
    else:
        changed, kept, outdated = move.cells, [move.plaintext], [move.plaintext]
    table, name = relation(move), trigger_name(move)
    when = (
        f"pg_catalog.record_image_ne({_row('OLD', changed)}, {_row('NEW', changed)})"
        f" AND pg_catalog.record_image_eq({_row('OLD', kept)}, {_row('NEW', kept)})"
    )
    assignments = "".join(f" NEW.{identifier(name)} := NULL;" for name in outdated)
    unless = (
        "" if move.authority is Authority.PLAINTEXT else f" IF {_is_noted(move)} THEN RETURN NEW; END IF;"
    )
    body = dollars(f"BEGIN{unless}{assignments} RETURN NEW; END")
    fire = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {_function(move)}"
    return [
        f"CREATE OR REPLACE FUNCTION {_function(move)} RETURNS trigger LANGUAGE plpgsql AS {body};",
        f"DROP TRIGGER IF EXISTS {name} ON {table};",
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} {fire};",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};",
        *_further_removal(move),
        *([] if move.authority is Authority.PLAINTEXT else [*_both_creation(move), *_late_creation(move)]),
    ]


def _both_creation(move: Move) -> list[str]:
    """Notes the version of a row whose two sides are written alike; the note ends with its transaction."""
    table, plaintext, pair = relation(move), identifier(move.plaintext), move.cells
    note = f"pg_catalog.set_config('{_NOTE}{move.slug}', {_version(move)}, true)"
    when = (
        f"NEW.{plaintext} IS NOT NULL"
        f" AND pg_catalog.record_image_eq({_row('OLD', [move.plaintext])}, {_row('NEW', [move.plaintext])})"
        f" AND pg_catalog.record_image_ne({_row('OLD', pair)}, {_row('NEW', pair)})"
    )
    body = dollars(f"BEGIN PERFORM {note}; RETURN NEW; END")
    fire = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {_both_function(move)}"
    return [
        f"CREATE OR REPLACE FUNCTION {_both_function(move)} RETURNS trigger LANGUAGE plpgsql AS {body};",
        f"CREATE TRIGGER {_both_name(move)} BEFORE UPDATE OF {plaintext} ON {table} {fire};",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {_both_name(move)};",
    ]


def _is_noted(move: Move) -> str:
    return f"pg_catalog.current_setting('{_NOTE}{move.slug}', true) = {_version(move)}"


def _version(move: Move) -> str:
    return f"'{move.slug} ' || OLD.tableoid || ' ' || OLD.ctid"


_NOTE = "envelope.written_both_"
"""A setting of the session's own for each move, which takes no right to set."""


def _late_creation(move: Move) -> list[str]:
    """Not fired by replication: what a publisher let pass is not for a subscriber to refuse."""
    table, plaintext = relation(move), identifier(move.plaintext)
    why = "only its plaintext was changed: this writer's version predates the move"
    words = f"{move.place}: refused, because {why}"
    body = (
        f"BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = {literal(words)},"
        f" SCHEMA = {literal(move.schema)}, TABLE = {literal(move.table)}; END"
    )
    pair = move.cells
    when = (
        f"OLD.{plaintext} IS NOT NULL AND NEW.{plaintext} IS NOT NULL"
        f" AND pg_catalog.record_image_ne({_row('OLD', [move.plaintext])}, {_row('NEW', [move.plaintext])})"
        f" AND pg_catalog.record_image_eq({_row('OLD', pair)}, {_row('NEW', pair)})"
    )
    fire = f"BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {_late_function(move)}"
    create = f"CREATE OR REPLACE FUNCTION {_late_function(move)} RETURNS trigger LANGUAGE plpgsql AS"
    return [
        f"{create} {dollars(body)};",
        f"CREATE TRIGGER {_late_name(move)} {fire};",
    ]


def _further_removal(move: Move) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {_both_name(move)} ON {relation(move)};",
        f"DROP FUNCTION IF EXISTS {_both_function(move)};",
        f"DROP TRIGGER IF EXISTS {_late_name(move)} ON {relation(move)};",
        f"DROP FUNCTION IF EXISTS {_late_function(move)};",
    ]


def _both_name(move: Move) -> str:
    """Sorts before `trigger_name`, whose slug begins with a hex digit."""
    return identifier(f"zzz_envelope_+{move.slug}")


def _both_function(move: Move) -> str:
    return f"envelope.note_both_{move.slug}()"


def _late_name(move: Move) -> str:
    return f"zzz_envelope_late_{move.slug}"


def _late_function(move: Move) -> str:
    return f"envelope.refuse_late_{move.slug}()"


def removal(move: Move) -> list[str]:
    """The statements of `drop_trigger`, for one transaction with others."""
    return [
        f"DROP TRIGGER IF EXISTS {trigger_name(move)} ON {relation(move)};",
        f"DROP FUNCTION IF EXISTS {_function(move)};",
        *_further_removal(move),
    ]


def _function(move: Move) -> str:
    return f"envelope.invalidate_{move.slug}()"


def _row(which: str, names: list[str]) -> str:
    return "ROW(" + ", ".join(f"{which}.{identifier(name)}" for name in names) + ")"
