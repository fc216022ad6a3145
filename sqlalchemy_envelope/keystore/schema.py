"""The tables `envelope.key` and `envelope.key_receipt`: keys that a provider wrapped, never one in the clear.

The DDL has a version, and each statement may run again: two processes may install it at once.
"""

from sqlalchemy import Connection

from .. import components

VERSION = 2

STATEMENTS: tuple[str, ...] = (
    *components.STATEMENTS,
    """CREATE TABLE IF NOT EXISTS envelope.key (
    id uuid PRIMARY KEY,
    tenant text CHECK (tenant <> ''),
    purpose text NOT NULL DEFAULT 'data' CHECK (purpose IN ('data')),
    state text NOT NULL CHECK (state IN ('active', 'deactivated', 'revoked', 'destroyed')),
    wrapped bytea[] NOT NULL,
    wrapped_by text[] NOT NULL,
    wraps bigint NOT NULL DEFAULT 0 CHECK (wraps BETWEEN 0 AND 4294967296),
    created_at timestamptz NOT NULL DEFAULT now(),
    deactivated_at timestamptz,
    revoked_at timestamptz,
    destroyed_at timestamptz,
    rewrapped_at timestamptz,
    CONSTRAINT key_has_cells CHECK ((state = 'destroyed') = (cardinality(wrapped) = 0)),
    CONSTRAINT key_cells_have_names CHECK (cardinality(wrapped) = cardinality(wrapped_by))
)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS key_active ON envelope.key (coalesce(tenant, ''), purpose)
WHERE state = 'active'""",
    """CREATE TABLE IF NOT EXISTS envelope.key_receipt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL,
    tenant text,
    act text NOT NULL CHECK (act IN ('revoke', 'reinstate', 'destroy')),
    signed_off_by text NOT NULL CHECK (signed_off_by <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    database_role text NOT NULL DEFAULT session_user,
    at timestamptz NOT NULL DEFAULT now(),
    rows_affected jsonb NOT NULL
)""",
    """DO $envelope$ BEGIN
IF NOT EXISTS (SELECT FROM envelope.component WHERE name = 'keys' AND version >= 2) THEN
    ALTER TABLE envelope.key
        ADD COLUMN settled_at timestamptz,
        ADD COLUMN emptied_at timestamptz,
        DROP CONSTRAINT key_purpose_check,
        DROP CONSTRAINT key_state_check,
        ADD CONSTRAINT key_purpose_check CHECK (purpose = 'data' OR purpose ^@ 'index:'),
        ADD CONSTRAINT key_state_check CHECK (state IN ('active', 'deactivated', 'revoked', 'destroyed')
            OR (state = 'pre-active' AND purpose <> 'data'));
    CREATE UNIQUE INDEX key_pre_active ON envelope.key (coalesce(tenant, ''), purpose)
        WHERE state = 'pre-active';
    CREATE INDEX key_of_purpose ON envelope.key (purpose, coalesce(tenant, ''));
END IF;
END $envelope$""",
    components.record_sql("keys", VERSION),
)
"""`wrapped`: a key cell for each provider (docs/wire-format.md, section 4), `wrapped_by`: the names of their
keys in the same order. `purpose`: `data`, or `index:` and a blind index's key name. `settled_at`: since when
an index key's state can be read by all; `emptied_at`: when no row was found under it any more.
`rows_affected`: by `schema.table.column`, how many values the key had wrapped."""


def install(connection: Connection) -> None:
    """Makes what is missing of the tables, in the connection's transaction, which others wait for."""
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)


def installed_version(connection: Connection) -> int | None:
    """Of the tables that are there; None where there are none."""
    there = connection.exec_driver_sql("SELECT to_regclass('envelope.key') IS NOT NULL").scalar()
    if not there:
        return None
    found = connection.exec_driver_sql("SELECT version FROM envelope.component WHERE name = 'keys'").scalar()
    return None if found is None else int(found)
