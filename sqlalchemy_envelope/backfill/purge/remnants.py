"""Copies of plaintext that lie outside the database's own files, or outside what is known of them."""

from collections.abc import Iterator
from typing import Any

import psycopg

from ..postgres.quoting import literal, relation
from ..subject.move import Move
from .step import Outcome, PurgeStep

_FACTS = """
SELECT current_setting('archive_mode') <> 'off',
(SELECT count(*) FROM pg_stat_replication),
(SELECT string_agg(pubname, ', ') FROM pg_publication_tables
 WHERE (schemaname, tablename) = ({schema}, {table})),
(SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relkind = 'm'),
(SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'),
current_setting('log_statement') <> 'none' OR current_setting('log_min_duration_statement') <> '-1'
"""


def copies(connection: "psycopg.Connection[Any]", move: Move) -> Iterator[PurgeStep]:
    """What remains to be done elsewhere, by others."""
    query = _FACTS.format(schema=literal(move.schema), table=literal(move.table))
    row = connection.execute(query.encode()).fetchone() or (False, 0, None, None, 0, False)
    archived, replicas, publications, views, statements, logged = row
    archive = "archive_mode is on, so the archive has it; " if archived else ""
    yield _cannot("backups", f"{archive}base backups, WAL archives and dumps from before this end with them")
    streaming = f"{replicas} are connected; " if replicas else ""
    words = "they replay the rewrite, but keep their own WAL until it is turned over"
    yield _cannot("replicas", f"{streaming}{words}; logical ones hold rows of their own")
    yield _cannot("device", "blocks of removed files stay on the disk until written over: encrypt the disk")
    likely = "statements are logged here, so it has values; " if logged else ""
    yield _cannot("server log", f"{likely}what was logged with values goes when the log does")
    if publications:
        yield _cannot("subscribers", f"the table was published by {publications}")
    if views:
        yield _needs("materialized views", f"REFRESH, and VACUUM FULL, of those that read it: {views}")
    if statements:
        yield _needs("pg_stat_statements", "pg_stat_statements_reset(): utility commands keep their literals")
    yield _cannot("elsewhere", f"what functions or people copied out of {relation(move)} is not known here")


def _cannot(place: str, words: str) -> PurgeStep:
    return PurgeStep(place, Outcome.CANNOT, words)


def _needs(place: str, words: str) -> PurgeStep:
    return PurgeStep(place, Outcome.NEEDS, words)
