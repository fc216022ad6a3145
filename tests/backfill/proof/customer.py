"""A table with a plaintext column on its way, for the tests that look at the statements of a move."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy_envelope import Envelope, StaticKey
from sqlalchemy_envelope.backfill.ddl import ddl, trigger
from sqlalchemy_envelope.backfill.postgres.apply import apply
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.record import moves, schema
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.keyring.direct import DirectKeyring
from tests.fixtures import postgresql

TABLE = "CREATE TABLE customer (id bigint PRIMARY KEY, email text, name text)"
ENVELOPE = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


class Customer:
    """The table in its database, with connections that commit at once, and the move as it stands."""

    def __init__(self, database: postgresql.Database, *, create: str = TABLE, move: Move | None = None):
        self.database = Database.of(database.url())
        self.connection = self.database.connect("test")
        schema.install(self.connection)
        self.move = move or Move.plan("customer", "email")
        self.connection.execute(create.encode())
        moves.record(self.connection, self.move)

    def run(self, sql: str, *parameters: Any) -> list[Any]:
        """Runs one command as an application would, and gives its rows."""
        cursor = self.connection.execute(sql.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def apply(self, statements: Sequence[str]) -> None:
        """Runs the statements of a step, impatiently."""
        apply(self.database, statements, lock_timeout=0.5, patience=5)

    def begin(self) -> "Customer":
        """Adds pair and trigger."""
        self.apply(ddl.add_pair(self.move) + trigger.create_trigger(self.move))
        return self

    def seal(self, value: str) -> tuple[bytes | None, bytes | None]:
        """Content and wrapped key of a value."""
        dek, content = ENVELOPE.seal_many([value], self.move.context)[0]
        return content, dek

    def encrypt(self) -> "Customer":
        """What a backfill does, in one go."""
        for key, value in self.run(f"SELECT id, {self.move.plaintext} FROM customer"):
            if value is not None:
                pair = f"{self.move.content} = %s, {self.move.dek} = %s"
                self.run(f"UPDATE customer SET {pair} WHERE id = %s", *self.seal(value), key)
        return self

    def swap(self) -> "Customer":
        """Hands the truth over."""
        self.apply(ddl.swap(self.move))
        self.move = self.move.handed_over()
        return self

    @property
    def pending(self) -> list[Any]:
        """The ids of the rows that are to be encrypted."""
        move = self.move
        where = f"{move.plaintext} IS NOT NULL AND {move.content} IS NULL"
        return [row[0] for row in self.run(f"SELECT id FROM customer WHERE {where} ORDER BY id")]

    def columns(self) -> dict[str, tuple[str, bool]]:
        """By name: type and whether NOT NULL."""
        rows = self.run(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = 'customer'::regclass AND attnum > 0 AND NOT attisdropped"
        )
        return {name: (kind, required) for name, kind, required in rows}

    def fingerprint(self) -> list[Any]:
        """Columns, constraints, triggers, functions, the record: what a repeated statement leaves alone."""
        where = "WHERE {}::regclass::text LIKE '%customer%'"
        columns = where.format("attrelid") + " AND attnum > 0 AND NOT attisdropped"
        queries = (
            f"SELECT attrelid::regclass::text, attname, atttypid, attnotnull FROM pg_attribute {columns}",
            f"""SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid)
                FROM pg_constraint {where.format("conrelid")} AND contype <> 'n'""",
            """SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid)
               FROM pg_trigger WHERE NOT tgisinternal""",
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'envelope'::regnamespace",
            """SELECT to_jsonb(move) - 'id' - 'begun_at' - 'plaintext_dropped_at',
               plaintext_dropped_at IS NULL FROM envelope.move""",
        )
        return [sorted(self.run(query), key=repr) for query in queries]

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()
