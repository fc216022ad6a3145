"""The gate: a CHECK that proves without keys that nothing is pending, and lets nothing become so.

PostgreSQL reports the violation of a CHECK with the whole row, to the client and to its log. So a trigger
with a fixed message comes first, and whoever would violate the CHECK, or the pair's guard, meets that.
"""

from ...checks import cells_sql
from ..postgres.quoting import block, dollars, has_constraint, identifier, literal, relation
from ..subject.move import Authority, Move


def gate_name(move: Move) -> str:
    """Of the CHECK: another one for each way to go."""
    way = "gate" if move.authority is Authority.PLAINTEXT else "back"
    return f"envelope_{way}_{move.slug}"


def gate_trigger_name(move: Move) -> str:
    """Sorts after every trigger that sets rows back to pending."""
    return f"zzz_envelope_gate_{move.slug}"


def add_gate(move: Move) -> list[str]:
    """Refuses what would be pending, then proves that nothing is: the last statement fails where a row is."""
    return [block(*lines) for lines in stages(move)]


def drop_gate(move: Move) -> list[str]:
    """Lets rows be pending again, whichever gate there is."""
    return [block(*removal(move))]


def stages(move: Move) -> list[list[str]]:
    """The statements of `add_gate`: each list for a transaction of its own, in this order."""
    table, name, other = relation(move), gate_name(move), gate_name(_other(move))
    return [
        [*_function(move), *_trigger(move)],
        [
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {other};",
            f"IF NOT {has_constraint(move, name)} THEN",
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (NOT ({_pending(move)})) NOT VALID;",
            "END IF;",
        ],
        [
            f"IF {has_constraint(move, name, 'NOT convalidated')} THEN",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            "END IF;",
        ],
    ]


def removal(move: Move) -> list[str]:
    """The statements of `drop_gate`, for one transaction with others. The CHECK goes first."""
    table = relation(move)
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {gate_name(move)};",
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {gate_name(_other(move))};",
        f"DROP TRIGGER IF EXISTS {gate_trigger_name(move)} ON {table};",
        f"DROP FUNCTION IF EXISTS envelope.refuse_{move.slug}();",
    ]


def _pending(move: Move, row: str = "") -> str:
    """What a pending row is, where `row` stands before each column."""
    plaintext, content, dek = (row + identifier(name) for name in (move.plaintext, move.content, move.dek))
    if move.authority is Authority.PLAINTEXT:
        return f"{plaintext} IS NOT NULL AND ({content} IS NULL OR {dek} IS NULL)"
    return f"{content} IS NOT NULL AND {plaintext} IS NULL"


def _other(move: Move) -> Move:
    return move.handed_back() if move.authority is Authority.PAIR else move.handed_over()


def _function(move: Move) -> list[str]:
    words = "is not encrypted" if move.authority is Authority.PLAINTEXT else "is not in both columns"
    message = f"{move.place}: refused, because the value {words}: this writer's version predates the move"
    body = (
        f"BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = {literal(message)},"
        f" SCHEMA = {literal(move.schema)}, TABLE = {literal(move.table)},"
        f" CONSTRAINT = {literal(gate_name(move))}; END"
    )
    create = f"CREATE OR REPLACE FUNCTION envelope.refuse_{move.slug}() RETURNS trigger LANGUAGE plpgsql AS "
    return [create + dollars(body) + ";"]


def _trigger(move: Move) -> list[str]:
    name, table = gate_trigger_name(move), relation(move)
    content, dek = (f"NEW.{identifier(each)}" for each in (move.content, move.dek))
    guard = cells_sql(content, dek, None, shared=move.shared)
    refused = f"{_pending(move, 'NEW.')} OR ({guard}) IS FALSE"
    when = f"BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({refused})"
    return [
        f"DROP TRIGGER IF EXISTS {name} ON {table};",
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION envelope.refuse_{move.slug}();",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};",
    ]
