"""What a move does to a table, as literal SQL: one command a string, each in a transaction of its own.

Every command may run again: what is done is left, and a move that died half-way goes on. Names are those of
the move as it is recorded, and the schema `envelope` is installed. What a command takes away it remembers in
`envelope.move` (NOT NULL, DEFAULT, type), for the way back. No scan runs under a lock that keeps others out.
"""

from dataclasses import replace

from ...checks import cells_sql, stored_guard
from ..postgres.quoting import (
    block,
    column_facts,
    has_columns,
    has_constraint,
    here,
    identifier,
    literal,
    refuse,
    relation,
)
from ..subject.move import Authority, Move
from .exchange import authority_is, close_jobs, give, take, was_not_null
from .gate import gate_name, removal, stages
from .group_ddl import drop_unused, loosened, without_content
from .trigger import removal as trigger_removal


def add_pair(move: Move) -> list[str]:
    """Both columns, empty, and their guard."""
    table, guard = relation(move), stored_guard(move.table, move.content)
    check = cells_sql(identifier(move.content), identifier(move.dek), None, shared=move.shared)
    columns = ", ".join(f"ADD COLUMN IF NOT EXISTS {identifier(each)} bytea" for each in _pair(move))
    return [
        f"ALTER TABLE {table} {columns}",
        *(loosened(move) if move.shared else []),
        *_proven(move, guard, check),
    ]


def set_not_null(move: Move) -> list[str]:
    """NOT NULL for the pair; fails where a row has none."""
    pair = ", ".join(f"ALTER COLUMN {identifier(each)} SET NOT NULL" for each in move.cells)
    table, check = relation(move), _not_null_name(move)
    condition = " AND ".join(f"{identifier(each)} IS NOT NULL" for each in move.cells)
    last = [f"ALTER TABLE {table} {pair};", f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check};"]
    return [*_proven(move, check, condition, unless=_is_not_null(move, *move.cells)), block(*last)]


def swap(move: Move) -> list[str]:
    """Hands the truth over to the pair, and in place the column's name too. The plaintext is kept.

    First the gate, which fails where a row is pending; NOT NULL goes over to the pair, DEFAULT away.
    """
    before, after = move.handed_back(), move.handed_over()
    ready = f"{has_columns(before, before.plaintext, *_pair(before))} AND NOT {authority_is(before, 'pair')}"
    condition = " AND ".join(f"{identifier(each)} IS NOT NULL" for each in before.cells)
    required = _is_not_null(before, before.plaintext)
    return [
        *(_if(ready, lines) for lines in stages(before)),
        *(
            _if(f"{ready} AND {required}", lines)
            for lines in _check_stages(before, _not_null_name(before), condition)
        ),
        block(
            f"LOCK TABLE {relation(move)} IN ACCESS EXCLUSIVE MODE;",
            f"IF {ready} THEN",
            *_prove(before),
            *give(before, after, _not_null_name(before)),
            f"ELSIF NOT ({has_columns(after, *_pair(after))}) THEN",
            refuse(move, "there is no pair; add it first"),
            "END IF;",
        ),
    ]


def unswap(move: Move) -> list[str]:
    """Hands the truth back to the plaintext, and in place its name; NOT NULL and DEFAULT as they were.

    First the gate of this way, which fails where a value is encrypted only.
    """
    before, after = move.handed_over(), move.handed_back()
    ready = f"{has_columns(before, before.plaintext, *_pair(before))} AND {authority_is(before, 'pair')}"
    condition, check = f"{identifier(before.plaintext)} IS NOT NULL", f"envelope_required_{move.slug}"
    return [
        *(_if(ready, lines) for lines in stages(before)),
        *(
            _if(f"{ready} AND {was_not_null(move)}", lines)
            for lines in _check_stages(before, check, condition)
        ),
        block(
            f"LOCK TABLE {relation(move)} IN ACCESS EXCLUSIVE MODE;",
            f"IF {ready} THEN",
            *_prove(before),
            *take(before, after, check),
            f"ELSIF NOT ({has_columns(after, after.plaintext)}) THEN",
            refuse(move, "there is no plaintext column; add it and decrypt first"),
            "END IF;",
        ),
    ]


def drop_plaintext(move: Move) -> list[str]:
    """The plaintext column goes, with trigger and gate. Only once the truth is in the pair, and none pending.

    Bytes stay in the table's files until it is rewritten: see `purge`.
    """
    after = move.handed_over()
    there, table = has_columns(after, after.plaintext), relation(move)
    proof = replace(after, authority=Authority.PLAINTEXT)  # the gate that says that nothing would be lost
    remember = (
        f"UPDATE envelope.move SET plaintext_dropped_at = now(), plaintext_type = of.type FROM ("
        f"{column_facts(after, after.plaintext, _TYPE)}) AS of WHERE {here(move)};"
    )
    return [
        *(_if(f"{there} AND {authority_is(move, 'pair')}", lines) for lines in stages(proof)),
        block(
            f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;",
            *refuse_before_swap(move),
            f"IF {there} THEN",
            *_prove(proof),
            remember,
            *trigger_removal(move),
            *removal(move),
            f"ALTER TABLE {table} DROP COLUMN {identifier(after.plaintext)};",
            *close_jobs(move, done="null", moot="decrypt"),
            "END IF;",
        ),
    ]


def refuse_before_swap(move: Move) -> list[str]:
    """Statements that stop a transaction while the plaintext is the truth; in place it has its old name."""
    words = "the plaintext is still what is true; swap first"
    return [f"IF NOT {authority_is(move, 'pair')} THEN", refuse(move, words), "END IF;"]


def add_plaintext(move: Move) -> list[str]:
    """The plaintext column again, empty, of the type that it had."""
    after = move.handed_over()
    kind = move.type.stored.sql or "text"  # where there is none, the record has one
    add = f"ALTER TABLE {relation(move)} ADD COLUMN IF NOT EXISTS {identifier(after.plaintext)} "
    remembered = f"(SELECT plaintext_type FROM envelope.move WHERE {here(move)})"
    return [
        block(
            f"IF {authority_is(move, 'pair')} THEN",
            f"EXECUTE {literal(add)} || coalesce({remembered}, {literal(kind)});",
            f"UPDATE envelope.move SET plaintext_dropped_at = NULL WHERE {here(move)};",
            "END IF;",
        )
    ]


def drop_pair(move: Move) -> list[str]:
    """The pair goes, with guard, trigger and gate. Only once the truth is in the plaintext, all of it."""
    before = move.handed_back()
    columns = ", ".join(f"DROP COLUMN IF EXISTS {identifier(each)}" for each in before.cells)
    content, plaintext = identifier(before.content), identifier(before.plaintext)
    cells = cells_sql(content, identifier(before.dek), None, shared=move.shared)
    sealed = f"SELECT FROM {relation(move)} WHERE {content} IS NOT NULL AND {plaintext} IS NULL"
    whole = f"{has_columns(before, before.plaintext, *_pair(before))} AND NOT {authority_is(move, 'pair')}"
    proof = replace(before, authority=Authority.PAIR)  # the gate that says that nothing would be lost
    return [
        block(
            f"IF {has_columns(before, before.content, before.plaintext)} THEN",
            f"IF EXISTS ({sealed}) THEN",
            refuse(move, "values are in the pair alone; decrypt the column instead"),
            "END IF;",
            "END IF;",
            f"IF {has_columns(before, *_pair(before))} THEN",
            f"IF EXISTS (SELECT FROM {relation(move)} WHERE NOT ({cells})) THEN",
            refuse(move, "what is to be dropped is no pair, but a column for something else"),
            "END IF;",
            "END IF;",
        ),
        *(_if(whole, lines) for lines in stages(proof)),
        block(
            f"LOCK TABLE {relation(move)} IN ACCESS EXCLUSIVE MODE;",
            f"IF {authority_is(move, 'pair')} OR NOT ({has_columns(before, before.plaintext)}) THEN",
            refuse(move, "the pair is what is true; decrypt and swap back first"),
            "END IF;",
            f"IF {whole} THEN",
            *_prove(proof),
            "END IF;",
            *trigger_removal(move),
            *removal(move),
            f"ALTER TABLE {relation(move)} {columns};",
            *(drop_unused(before) if move.shared else []),
            f"UPDATE envelope.move SET verified_at = NULL WHERE {here(move)};",
            *close_jobs(move, done="decrypt", moot="encrypt"),
            *close_jobs(move, done="null", moot="verify"),
        ),
        *(without_content(before) if move.shared else []),
    ]


_TYPE = (
    "pg_catalog.format_type(a.atttypid, a.atttypmod) || coalesce((SELECT ' COLLATE ' || c.oid::regcollation"
    " FROM pg_catalog.pg_collation AS c JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid"
    " WHERE c.oid = a.attcollation AND c.oid <> t.typcollation), '') AS type"
)


def _pair(move: Move) -> tuple[str, str]:
    return move.content, move.dek


def _if(condition: str, lines: list[str]) -> str:
    return block(f"IF {condition} THEN", *lines, "END IF;")


def _not_null_name(move: Move) -> str:
    return f"envelope_not_null_{move.slug}"


def _is_not_null(move: Move, *names: str) -> str:
    return " AND ".join(f"({column_facts(move, name, 'a.attnotnull')})" for name in names)


def _prove(move: Move) -> list[str]:
    """Stops a transaction unless the gate stands validated."""
    stands = has_constraint(move, gate_name(move), "convalidated")
    words = "not proven, for the gate is missing; run this again"
    return [f"IF NOT {stands} THEN", refuse(move, words), "END IF;"]


def _proven(move: Move, name: str, check: str, unless: str = "false") -> list[str]:
    return [_if(f"NOT ({unless})", lines) for lines in _check_stages(move, name, check)]


def _check_stages(move: Move, name: str, check: str) -> list[list[str]]:
    """A CHECK, first for what is written from now on, then by a scan beside which others read and write."""
    table, quoted = relation(move), identifier(name)
    return [
        [
            f"IF NOT {has_constraint(move, name)} THEN",
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted} CHECK ({check}) NOT VALID;",
            "END IF;",
        ],
        [
            f"IF {has_constraint(move, name, 'NOT convalidated')} THEN",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {quoted};",
            "END IF;",
        ],
    ]
