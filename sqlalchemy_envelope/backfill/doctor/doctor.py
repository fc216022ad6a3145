"""Looks at a table before a column of it is moved, and after. Reads only, and says names and counts only."""

from collections.abc import Iterator
from typing import Any

import psycopg

from ...checks import stored_guard
from ..ddl.gate import gate_name
from ..postgres.quoting import has_columns, has_constraint, identifier, literal, relation
from ..record.moves import find
from ..subject.move import Authority, Move
from .dependents import DEPENDENTS
from .finding import Finding, Question, Severity
from .obstacles import NO_TABLE, REFUSED, TAKEN
from .surroundings import AHEAD, SURROUNDINGS


def examine(connection: "psycopg.Connection[Any]", move: Move) -> list[Finding]:
    """All that was found, the worst first. A move with a refusal among it is not to begin or go on."""
    if not _true(connection, f"SELECT to_regclass({literal(relation(move))}) IS NOT NULL"):
        return [Finding(Severity.REFUSAL, f"{move.place}: there is no table {relation(move)}")]
    known = find(connection, move.schema, move.table, move.column)
    there = _true(connection, f"SELECT {has_columns(move, move.plaintext)}")
    if known is None and not there:
        return [Finding(Severity.REFUSAL, f"{move.place}: there is no column {move.plaintext}")]
    if no_table := NO_TABLE.ask(connection, move):
        return no_table
    found = [*_asked(connection, move, SURROUNDINGS)]
    if move.authority is Authority.PLAINTEXT:
        found += _asked(connection, move, AHEAD)
    if there:
        found += _asked(connection, move, (*REFUSED, *DEPENDENTS))
    if known is None:
        found += TAKEN.ask(connection, move)
    elif _true(connection, f"SELECT {has_columns(move, move.content, move.dek)}"):
        found += _of_the_pair(connection, move, there)
        found += _of_the_record(connection, move, known.id, known.verified_at is not None)
    order = list(Severity)
    found.sort(key=lambda each: -order.index(each.severity))
    return found or [Finding(Severity.OK, f"{move.place}: nothing is in the way")]


def _asked(
    connection: "psycopg.Connection[Any]", move: Move, questions: tuple[Question, ...]
) -> Iterator[Finding]:
    for question in questions:
        yield from question.ask(connection, move)


def _of_the_pair(connection: "psycopg.Connection[Any]", move: Move, there: bool) -> Iterator[Finding]:
    guard = stored_guard(move.table, move.content)
    if not _true(connection, f"SELECT {has_constraint(move, guard, 'convalidated')}"):
        yield Finding(
            Severity.WARNING,
            f"{move.place}: the guard {guard} is missing or not validated",
            "add the pair again",
        )
    yield from _of_the_trigger(connection, move, there)
    if there:
        yield from _of_the_plaintext(connection, move)


def _of_the_trigger(connection: "psycopg.Connection[Any]", move: Move, there: bool) -> Iterator[Finding]:
    """It is to be there while both sides are, and to clear the side that is not true."""
    outdated = move.content if move.authority is Authority.PLAINTEXT else move.plaintext
    works = (
        "SELECT EXISTS (SELECT FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid"
        f" WHERE t.tgrelid = {literal(relation(move))}::regclass AND t.tgenabled = 'A'"
        f" AND t.tgname = 'zzz_envelope_{move.slug}'"
        f" AND position({literal(f'NEW.{identifier(outdated)} := NULL')} IN p.prosrc) > 0)"
    )
    if there and not _true(connection, works):
        words = f"{move.place}: the trigger is missing, disabled, or of the other direction"
        yield Finding(
            Severity.REFUSAL, f"{words}, so a value may be out of date unseen", "create it and sweep again"
        )


def _of_the_plaintext(connection: "psycopg.Connection[Any]", move: Move) -> Iterator[Finding]:
    table, plaintext, content = relation(move), identifier(move.plaintext), identifier(move.content)
    rows = connection.execute(
        f"SELECT count({plaintext}), count(*) FILTER (WHERE {plaintext} IS NOT NULL AND {content} IS NULL)"
        f" FROM {table}".encode()
    ).fetchone()
    plain, pending = rows or (0, 0)
    if pending:
        yield Finding(
            Severity.WARNING,
            f"{move.place}: {pending} rows are pending",
            f"sqlalchemy-envelope backfill {move.place}",
        )
    if move.authority is Authority.PLAINTEXT:
        return
    gates = f"SELECT {has_constraint(move, gate_name(move.handed_back()), 'convalidated')}"
    if not _true(connection, gates):
        yield Finding(Severity.WARNING, f"{move.place}: the gate is missing or not validated", "add it again")
    if plain:
        words = f"{move.place}: {plain} rows keep their plaintext in {move.plaintext}"
        yield Finding(
            Severity.WARNING, words, "op.null_plaintext or op.drop_plaintext, once nobody goes back"
        )
        return
    yield Finding(
        Severity.NOTE, f"{move.place}: the column {move.plaintext} is empty", "op.drop_plaintext, and purge"
    )
    remembered = (
        "SELECT EXISTS (SELECT FROM pg_stats WHERE schemaname || '.' || tablename ="
        f" {literal(f'{move.schema}.{move.table}')} AND attname = {literal(move.plaintext)}"
        " AND (most_common_vals IS NOT NULL OR histogram_bounds IS NOT NULL))"
    )
    if _true(connection, remembered):
        yield Finding(Severity.WARNING, f"{move.place}: the planner's statistics still hold values", "purge")


def _of_the_record(
    connection: "psycopg.Connection[Any]", move: Move, id_: int, verified: bool
) -> Iterator[Finding]:
    if not verified:
        yield Finding(
            Severity.NOTE,
            f"{move.place}: it has not been verified",
            f"sqlalchemy-envelope verify {move.place}, which needs keys",
        )
    set_aside = connection.execute(
        "SELECT count(*) FROM envelope.job_row JOIN envelope.job ON job.id = job_row.job WHERE job.move = %s",
        [id_],
    ).fetchone()
    if set_aside and set_aside[0]:
        words = f"{move.place}: {set_aside[0]} rows were set aside by jobs"
        yield Finding(Severity.WARNING, words, f"sqlalchemy-envelope jobs {move.place} counts the causes")


def _true(connection: "psycopg.Connection[Any]", query: str) -> bool:
    row = connection.execute(query.encode()).fetchone()
    return bool(row and row[0])
