"""Values that are known again in a file, planted wherever a column's values go, and looked for in every file.

`python -m tests.backfill.canaries` prints how many lie where after each step of a move and its purge.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy_envelope.backfill.ddl import ddl, gate, trigger
from sqlalchemy_envelope.backfill.postgres.apply import apply
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.purge.purge import purge
from sqlalchemy_envelope.backfill.record import moves, schema
from sqlalchemy_envelope.backfill.subject.move import Move
from tests.fixtures import postgresql

CANARY = re.compile(rb"(CANARY|canary)[0-9a-f]{16}")
"""A value begins so; in the index over `lower(email)` in small letters."""

ROWS, LONG, COMMON = 4_000, 100, 40
PLACES = ("heap", "toast", "index", "lower index", "pg_statistic", "ext_data", "wal", "elsewhere")

VALUE = f"""'CANARY' || left(md5('planted' || CASE WHEN n % 10 = 0 THEN n % {COMMON} ELSE n END), 16)
|| CASE WHEN n <= {LONG} THEN (SELECT string_agg(md5(n || '.' || m), '') FROM generate_series(1, 70) AS m)
ELSE '' END"""
"""Made by the server, because it logs statements; some are common, and some too long for their row."""

TABLE = """
CREATE TABLE customer (id bigint, email text, city text, PRIMARY KEY (id)) {partitioned};
{partitions}
ALTER TABLE customer ALTER COLUMN email SET STORAGE EXTERNAL, ALTER COLUMN email SET STATISTICS 12;
CREATE INDEX customer_email ON customer (email);
CREATE INDEX customer_lower ON customer (lower(email));
CREATE STATISTICS customer_both (mcv) ON email, city FROM customer;
ALTER STATISTICS customer_both SET STATISTICS 12;
INSERT INTO customer SELECT n, {value}, 'city ' || n % 3 FROM generate_series(1, {rows}) AS n;
ANALYZE customer
"""

PARTITIONS = """
CREATE TABLE customer_low PARTITION OF customer FOR VALUES FROM (0) TO (2000);
CREATE TABLE customer_high PARTITION OF customer FOR VALUES FROM (2000) TO (100000);
ALTER TABLE customer_low ALTER COLUMN email SET STORAGE EXTERNAL, ALTER COLUMN email SET STATISTICS 12;
"""

ENCRYPT = """
UPDATE customer SET email_encrypted = '\\xec0301'::bytea || decode(repeat(md5(email), 5), 'hex'),
email_encrypted_dek = '\\xed0301'::bytea || decode(repeat(md5(email || 'k'), 5), 'hex')
WHERE email IS NOT NULL
"""
"""Not cipher text, but of its form and size."""

_FILES = """
SELECT pg_relation_filepath(c.oid), CASE
WHEN c.relname = 'pg_statistic' THEN 'pg_statistic'
WHEN c.relname = 'pg_statistic_ext_data' THEN 'ext_data'
WHEN t.relname IN ('pg_statistic', 'pg_statistic_ext_data') THEN 'pg_statistic'
WHEN c.relkind = 'i' AND x.indexprs IS NOT NULL THEN 'lower index'
WHEN c.relkind = 'i' THEN 'index' WHEN c.relkind = 't' THEN 'toast' ELSE 'heap' END
FROM pg_class AS c LEFT JOIN pg_index AS x ON x.indexrelid = c.oid
LEFT JOIN pg_class AS t ON t.reltoastrelid = c.oid
WHERE (c.relname ~ '^customer' OR t.relname ~ '^customer' OR x.indrelid::regclass::text ~ '^customer'
OR c.relname IN ('pg_statistic', 'pg_statistic_ext_data')
OR t.relname IN ('pg_statistic', 'pg_statistic_ext_data')) AND c.relkind IN ('r', 'i', 't')
"""


class Canaries:
    """The planted table, its move, and what is found of it in the files of the server."""

    def __init__(self, database: postgresql.Database, directory: Path, *, partitioned: bool = False):
        self.database = Database.of(database.url())
        self.directory = directory
        self.connection = self.database.connect("canaries")
        self.move = Move.plan("customer", "email")
        schema.install(self.connection)
        moves.record(self.connection, self.move)
        text = TABLE.format(
            partitioned="PARTITION BY RANGE (id)" if partitioned else "",
            partitions=PARTITIONS if partitioned else "",
            value=VALUE,
            rows=ROWS,
        )
        for statement in filter(str.strip, text.split(";")):
            self.run(statement)

    def run(self, statement: str) -> None:
        """One statement, committed."""
        self.connection.execute(statement.encode())

    def encrypt(self) -> None:
        """Makes the pair and fills it."""
        apply(self.database, ddl.add_pair(self.move) + trigger.create_trigger(self.move))
        self.run(ENCRYPT)

    def null(self) -> None:
        """Hands the truth over and nulls the plaintext."""
        apply(self.database, gate.add_gate(self.move) + ddl.swap(self.move))
        self.move = self.move.handed_over()
        self.run("UPDATE customer SET email_plaintext = NULL WHERE email_plaintext IS NOT NULL")

    def drop(self) -> None:
        """Drops the plaintext column."""
        apply(self.database, ddl.drop_plaintext(self.move))

    def scan(self) -> Counter[str]:
        """How many canaries lie in each place, over every file of the server, after a checkpoint."""
        self.run("CHECKPOINT")
        rows = self.connection.execute(_FILES.encode()).fetchall()
        places = {str(path): str(place) for path, place in rows}
        found = Counter[str]()
        for file in self.directory.rglob("*"):
            if file.is_file():
                name = file.relative_to(self.directory).as_posix()
                base = re.sub(r"(_fsm|_vm|_init)?(\.\d+)?$", "", name)
                place = "wal" if name.startswith("pg_wal/") else places.get(base, "elsewhere")
                found[place] += len(CANARY.findall(_read(file)))
        return found

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""  # removed meanwhile


def _print(step: str, found: Counter[str]) -> None:
    sys.stdout.write(f"{step:<24}" + "".join(f"{found[place]:>14,}" for place in PLACES) + "\n")


def _tell(canaries: Canaries) -> None:
    """Runs a whole move, scanning after each step."""
    sys.stdout.write(f"{'after':<24}" + "".join(f"{place:>14}" for place in PLACES) + "\n")
    _print("planting, ANALYZE", canaries.scan())
    steps: list[tuple[str, Any]] = [
        ("backfill", canaries.encrypt),
        ("swap, null-out", canaries.null),
        ("VACUUM", lambda: canaries.run("VACUUM customer")),
        ("ANALYZE", lambda: canaries.run("ANALYZE customer")),
        ("drop column", canaries.drop),
    ]
    for name, step in steps:
        step()
        _print(name, canaries.scan())
    told = []
    for step in purge(canaries.database, canaries.move):
        told.append(str(step))
        if step.outcome == "done":
            _print(f"purge: {step.place}", canaries.scan())
    sys.stdout.write("\n" + "\n".join(told) + "\n")


def main() -> None:
    """On a server of its own."""
    server = postgresql.EmbeddedServer(postgresql._scratch())
    child = server.start()
    try:
        canaries = Canaries(postgresql.Database(server, "postgres"), server.data_directory)
        _tell(canaries)
        canaries.close()
    finally:
        child.stop()


if __name__ == "__main__":
    main()
