"""Laws of keysets on a real table: a cursor visits each row once, ranges are disjoint and cover."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.postgres.keyset import Key, Span, between, last_place, split
from sqlalchemy_envelope.backfill.postgres.session import open_session

from ..fixtures.postgresql import Database

KEY = Key(("a", "b"), ("pg_catalog.int4", "pg_catalog.text"))
LEAF = '"public"."t"'
ROWS = st.sets(st.tuples(st.integers(-3, 3), st.text("aéZ_ 0'\\%", max_size=3)), max_size=40)


@pytest.fixture(scope="module")
def session(module_database: Database) -> Iterator["psycopg.Connection[Any]"]:
    """A connection as jobs have it, and a table with a composite key."""
    place = Place(module_database.url().render_as_string(hide_password=False))
    with closing(open_session(place, "test", 2.0)) as connection:
        connection.execute("CREATE TABLE t (a int, b text, PRIMARY KEY (a, b))")
        yield connection


def _fill(session: "psycopg.Connection[Any]", rows: set[tuple[int, str]]) -> None:
    session.execute("TRUNCATE t")
    with session.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", list(rows))


def _visit(session: "psycopg.Connection[Any]", span: Span, limit: int) -> list[tuple[str, ...]]:
    """Every key of a span, as batches of `limit` find them."""
    seen: list[tuple[str, ...]] = []
    after = span.after
    while True:
        condition, parameters = KEY.within(Span(span.leaf, after, span.up_to))
        query = f"SELECT {KEY.as_text} FROM ONLY {span.leaf} WHERE {condition} ORDER BY {KEY.columns}"
        query += f" LIMIT {limit}"
        found = session.execute(query.encode(), parameters).fetchall()
        if not found:
            return seen
        seen += found
        after = found[-1]


law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@law
@given(rows=ROWS, limit=st.integers(1, 9))
def test_a_cursor_visits_each_row_once(session, rows, limit):
    """Whatever the size of its batches."""
    _fill(session, rows)
    seen = _visit(session, Span(LEAF), limit)
    assert len(seen) == len(rows)
    assert {(int(a), b) for a, b in seen} == rows


@law
@given(rows=ROWS, parts=st.integers(1, 12))
def test_a_split_covers_and_does_not_overlap(session, rows, parts):
    """Every row lies in just one part."""
    _fill(session, rows)
    whole = Span(LEAF, None, last_place(session, KEY, LEAF))
    spans = split(session, KEY, whole, parts, len(rows))
    seen = [place for span in spans for place in _visit(session, span, 5)]
    assert len(spans) <= parts
    assert sorted(seen) == sorted((str(a), b) for a, b in rows)


@law
@given(rows=ROWS, parts=st.integers(2, 6), data=st.data())
def test_a_split_of_what_is_left_covers_it(session, rows, parts, data):
    """From a cursor on, as a job that is resumed with more workers does."""
    _fill(session, rows)
    keys = _visit(session, Span(LEAF), 5)
    cursor = data.draw(st.sampled_from(keys)) if keys else None
    left = Span(LEAF, cursor, last_place(session, KEY, LEAF))
    spans = split(session, KEY, left, parts, len(rows))
    seen = [place for span in spans for place in _visit(session, span, 5)]
    assert seen == (keys[keys.index(cursor) + 1 :] if cursor else keys)


@given(st.lists(st.integers(0, 50), unique=True).map(sorted))
def test_spans_between_places_join(places):
    """Each begins where the last one ended, from the whole's first to its last."""
    cuts = [(str(place),) for place in places]
    spans = between(Span("t", ("a",), ("z",)), cuts)
    assert [spans[0].after, *(span.up_to for span in spans)] == [("a",), *cuts, ("z",)]
    assert all(one.up_to == other.after for one, other in pairwise(spans))


def test_parts_are_about_even(session):
    """By what there is, not by the distance of the numbers."""
    session.execute("TRUNCATE t")
    session.execute("INSERT INTO t SELECT (n * n * 0.01)::int, n::text FROM generate_series(1, 4000) n")
    spans = split(session, KEY, Span(LEAF, None, last_place(session, KEY, LEAF)), 4, 4000)
    sizes = [len(_visit(session, span, 1000)) for span in spans]
    assert sum(sizes) == 4000
    assert all(900 < size < 1100 for size in sizes)
