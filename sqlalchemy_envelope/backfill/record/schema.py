"""The schema `envelope`, where moves, rotations and jobs are recorded: no value and no key ever lies in it.

The DDL has a version, and each statement may run again: two processes may install it at once. The second
version added rotations, the third values of every type and blind indexes; an ALTER finds the one before it.
"""

from typing import Any

import psycopg

from ... import components
from ..subject.valuetype import ValueType

VERSION = 3

_TYPES = ", ".join(map(repr, map(str, ValueType)))
_OF_ANY_TYPE = """DO $envelope$ BEGIN
IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = 'envelope.{table}'::regclass
    AND conname = '{table}_type')
THEN
    ALTER TABLE envelope.{table} DROP CONSTRAINT IF EXISTS {table}_type_check,
        ADD CONSTRAINT {table}_type CHECK (type IN ({types}));
END IF;
END $envelope$"""

STATEMENTS: tuple[str, ...] = (
    *components.STATEMENTS,
    """CREATE TABLE IF NOT EXISTS envelope.move (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "schema" text NOT NULL,
    "table" text NOT NULL,
    "column" text NOT NULL,
    plaintext text NOT NULL,
    content text NOT NULL,
    dek text NOT NULL,
    lasting_dek text NOT NULL,
    context jsonb NOT NULL,
    type text NOT NULL CHECK (type IN ('text', 'bytes')),
    in_place boolean NOT NULL,
    authority text NOT NULL CHECK (authority IN ('plaintext', 'pair')),
    begun_at timestamptz NOT NULL DEFAULT now(),
    verified_at timestamptz,
    plaintext_type text,
    plaintext_not_null boolean,
    plaintext_default text,
    plaintext_dropped_at timestamptz,
    UNIQUE ("schema", "table", "column")
)""",
    """CREATE TABLE IF NOT EXISTS envelope.job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move bigint NOT NULL REFERENCES envelope.move,
    kind text NOT NULL CHECK (kind IN ('encrypt', 'decrypt', 'verify', 'null')),
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'running', 'paused', 'done', 'failed')),
    source text,
    sweep integer NOT NULL DEFAULT 0,
    rows_estimated bigint,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    rows_raced bigint NOT NULL DEFAULT 0,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    owner text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz
)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS job_unfinished ON envelope.job (move, kind)
WHERE state <> 'done'""",
    """CREATE TABLE IF NOT EXISTS envelope.job_range (
    job bigint NOT NULL REFERENCES envelope.job ON DELETE CASCADE,
    number integer NOT NULL,
    relation text NOT NULL,
    lower jsonb,
    upper jsonb,
    cursor jsonb,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job, number)
)""",
    """CREATE TABLE IF NOT EXISTS envelope.job_row (
    job bigint NOT NULL REFERENCES envelope.job ON DELETE CASCADE,
    relation text NOT NULL,
    key jsonb NOT NULL,
    cause text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, relation, key)
)""",
    """CREATE TABLE IF NOT EXISTS envelope.rotation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "schema" text NOT NULL,
    "table" text NOT NULL,
    "column" text NOT NULL,
    dek text NOT NULL,
    context jsonb NOT NULL,
    type text NOT NULL CHECK (type IN ('text', 'bytes')),
    accept text CHECK (accept IN ('1', '2')),
    tenant text,
    tenant_of_key boolean NOT NULL DEFAULT false,
    only_key text,
    only_tenant text,
    begun_at timestamptz NOT NULL DEFAULT now()
)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS rotation_place ON envelope.rotation
("schema", "table", "column", coalesce(only_key, ''), coalesce(only_tenant, ''))""",
    """DO $envelope$ BEGIN
IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = 'envelope.job'::regclass
    AND attname = 'rotation' AND NOT attisdropped)
THEN
    ALTER TABLE envelope.job ADD COLUMN rotation bigint REFERENCES envelope.rotation,
        ALTER COLUMN move DROP NOT NULL,
        ADD CONSTRAINT job_has_subject CHECK (num_nonnulls(move, rotation) = 1),
        DROP CONSTRAINT job_kind_check,
        ADD CONSTRAINT job_kind_check CHECK
            (kind IN ('encrypt', 'decrypt', 'verify', 'null', 'rewrap', 'reencrypt'));
END IF;
END $envelope$""",
    """CREATE UNIQUE INDEX IF NOT EXISTS job_unfinished_rotation ON envelope.job (rotation, kind)
WHERE state <> 'done'""",
    """CREATE TABLE IF NOT EXISTS envelope.fill (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "schema" text NOT NULL,
    "table" text NOT NULL,
    "column" text NOT NULL,
    "index" jsonb NOT NULL,
    parts jsonb NOT NULL,
    tenant text,
    tenant_of_key boolean NOT NULL DEFAULT false,
    begun_at timestamptz NOT NULL DEFAULT now(),
    verified_at timestamptz,
    UNIQUE ("schema", "table", "column")
)""",
    """DO $envelope$ BEGIN
IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = 'envelope.job'::regclass
    AND attname = 'fill' AND NOT attisdropped)
THEN
    ALTER TABLE envelope.job ADD COLUMN fill bigint REFERENCES envelope.fill,
        DROP CONSTRAINT job_has_subject,
        ADD CONSTRAINT job_has_subject CHECK (num_nonnulls(move, rotation, fill) = 1),
        DROP CONSTRAINT job_kind_check,
        ADD CONSTRAINT job_kind_check CHECK
            (kind IN ('encrypt', 'decrypt', 'verify', 'null', 'rewrap', 'reencrypt', 'index'));
END IF;
END $envelope$""",
    """CREATE UNIQUE INDEX IF NOT EXISTS job_unfinished_fill ON envelope.job (fill, kind)
WHERE state <> 'done'""",
    *(_OF_ANY_TYPE.format(table=table, types=_TYPES) for table in ("move", "rotation")),
    components.record_sql("backfill", VERSION),
)
"""Rows of a quarantine hold keys and the class of an error, never its message: that could print a value."""


def install(connection: "psycopg.Connection[Any]") -> None:
    """Makes what is missing of the schema, in one transaction that others wait for."""
    with connection.transaction():
        for statement in STATEMENTS:
            connection.execute(statement)
