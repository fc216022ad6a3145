"""Existing data moves over: batches over a live table, from plaintext to pairs and back.

No printing, no Alembic. These names are for programs that do without both: `docs/backfill.md`.
"""

from .job.run import run
from .job.stopping import stop_on_signals
from .moving import whole
from .moving.indexing import add_index, fill_index
from .postgres.database import Database
from .record.jobs import record_job
from .record.moves import find as find_move
from .rows.legacy_source import LegacySource
from .rows.sources import (
    CallableSource,
    ExpressionSource,
    PlainSource,
    Source,
    TypedSource,
    VersionedSource,
)
from .subject.declared import fills_of
from .subject.move import Move

__all__ = [
    "CallableSource",
    "Database",
    "ExpressionSource",
    "LegacySource",
    "Move",
    "PlainSource",
    "Source",
    "TypedSource",
    "VersionedSource",
    "add_index",
    "fill_index",
    "fills_of",
    "find_move",
    "record_job",
    "run",
    "stop_on_signals",
    "whole",
]
