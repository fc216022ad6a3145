"""The trigger that keeps a pair and its plaintext from differing unseen while both are there.

A trigger can't encrypt, but it can say that a cell is out of date: whoever changes the one that is true and
not the other sets that other one to NULL, and the row is pending. Values are compared as they are stored
(their image): equality would take two spellings of a case-insensitive text for one, and `json` has none.
"""

from .move import Authority, Move
from .quoting import block, dollars, identifier, relation


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
        tenant = [] if move.tenant is None else [move.tenant]  # another one's pair would never open
        changed, kept, outdated = [move.plaintext, *tenant], [move.content], [move.content, move.dek]
    else:
        changed, kept, outdated = [move.content, move.dek], [move.plaintext], [move.plaintext]
    table, name = relation(move), trigger_name(move)
    when = (
        f"pg_catalog.record_image_ne({_row('OLD', changed)}, {_row('NEW', changed)})"
        f" AND pg_catalog.record_image_eq({_row('OLD', kept)}, {_row('NEW', kept)})"
    )
    assignments = "".join(f" NEW.{identifier(name)} := NULL;" for name in outdated)
    body = dollars(f"BEGIN{assignments} RETURN NEW; END")
    fire = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {_function(move)}"
    return [
        f"CREATE OR REPLACE FUNCTION {_function(move)} RETURNS trigger LANGUAGE plpgsql AS {body};",
        f"DROP TRIGGER IF EXISTS {name} ON {table};",
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} {fire};",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};",
    ]


def removal(move: Move) -> list[str]:
    """The statements of `drop_trigger`, for one transaction with others."""
    return [
        f"DROP TRIGGER IF EXISTS {trigger_name(move)} ON {relation(move)};",
        f"DROP FUNCTION IF EXISTS {_function(move)};",
    ]


def _function(move: Move) -> str:
    return f"envelope.invalidate_{move.slug}()"


def _row(which: str, names: list[str]) -> str:
    return "ROW(" + ", ".join(f"{which}.{identifier(name)}" for name in names) + ")"
