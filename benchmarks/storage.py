"""What lies in the table: bytes a value by keyring and size, tables and indexes, and where TOAST begins."""

import random
import string
from typing import Any

import sqlalchemy as sa

from sqlalchemy_envelope import EncryptedText, Envelope, attach

from . import peers
from .figures import Report
from .ground import Ground
from .keyrings import static_envelope

SIZES = (16, 64, 256, 1024, 4096, 16384)
KMS_BLOB, LOCAL_KEY = 184, 60
"""Bytes of a wrapped data key: by AWS KMS, and by a static or a key-encryption key (docs/wire-format.md)."""

VALUES = {"36 bytes": 36, "256 bytes": 256, "2 KiB": 2_048, "8 KiB": 8_192}
TEXT = "the patient was seen and sent home with a letter for the next visit in the spring"


def run(report: Report, ground: Ground) -> None:
    """The suite."""
    count = 200 if report.quick else 20_000
    rows = f"tables of {count:,} rows, of long values {count // 4:,}, vacuumed"
    report.suite("storage", f"bytes as PostgreSQL counts them; {rows}")
    _cells(report)
    engine = attach(ground.engine(), static_envelope())
    _tables(report, engine, count)
    _thresholds(report, engine)


def _cells(report: Report) -> None:
    """Bytes of a value, encrypted, without what a row has of its own."""
    table: dict[str, list[float | None]] = {"plaintext": [float(size) for size in SIZES]}
    local = [float(_bytes(static_envelope(), size)) for size in SIZES]
    table["sqlalchemy-envelope, static key or tiered"] = list(local)
    table["sqlalchemy-envelope, AWS KMS for each value"] = [each + KMS_BLOB - LOCAL_KEY for each in local]
    for name in peers.PEERS:
        pairs = [peers.made(name, "x" * size) for size in SIZES]
        if all(pairs):
            table[name] = [float(peers.stored_bytes(pair[0]())) for pair in pairs if pair]
    for name, row in table.items():
        report.curve("storage", name, [(size, each or 0.0) for size, each in zip(SIZES, row, strict=True)])
    report.table("bytes a value, by size", [f"{size:,} B" for size in SIZES], table)
    report.note(f"AWS KMS, by arithmetic: its CiphertextBlob of {KMS_BLOB} bytes in place of {LOCAL_KEY}")


def _bytes(of: Envelope, size: int) -> int:
    return sum(len(cell or b"") for cell in of.seal_many(["x" * size], "patient.ssn")[0])


def _tables(report: Report, engine: sa.Engine, count: int) -> None:
    """Whole tables: rows with their headers, TOAST, and the index of the primary key."""
    rows: dict[str, list[float | None]] = {}
    for told, size in VALUES.items():
        values = [_letter(n, size) for n in range(count if size < 1_000 else count // 4)]
        for kind, type_ in (("text", sa.Text()), ("encrypted", EncryptedText())):
            rows[f"{told}, {kind}"] = _measured(engine, type_, values)
    columns = ["table", "its TOAST", "primary key", "all", "written anew"]
    report.table("bytes a row", columns, rows)
    report.note("text is of words and compresses; ciphertext does not")
    report.note("written anew: all of it, once every row was updated in one statement each")
    for told in VALUES:
        both = [rows[f"{told}, {kind}"][3] or 0.0 for kind in ("encrypted", "text")]
        report.add(f"table of {told}: encrypted, against text", both[0] / both[1], "×")


def _measured(engine: sa.Engine, type_: Any, values: list[str]) -> list[float | None]:
    table = _table(type_)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        table.drop(connection, checkfirst=True)
        table.create(connection)
        connection.execute(sa.insert(table), [{"id": n, "value": text} for n, text in enumerate(values)])
        connection.execute(sa.text("vacuum sized"))
        sizes = _sizes(connection, len(values))
        moved = [{"key": n, "value": values[n - 1]} for n in range(len(values))]
        connection.execute(sa.update(table).where(table.c.id == sa.bindparam("key")), moved)
        connection.execute(sa.text("vacuum sized"))
        again = _sizes(connection, len(values))[-1]
        table.drop(connection)
    return [*sizes, again]


def _table(type_: Any) -> sa.Table:
    number = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    return sa.Table("sized", sa.MetaData(), number, sa.Column("value", type_))


def _sizes(connection: sa.Connection, count: int) -> list[float | None]:
    """Bytes a row of the table itself, of its TOAST table with index, of its index, and of all."""
    query = """
        SELECT pg_relation_size(oid), coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0),
               pg_indexes_size(oid), pg_total_relation_size(oid)
        FROM pg_class WHERE oid = to_regclass('sized')
    """
    found = connection.execute(sa.text(query)).one()
    return [int(each) / count for each in found]


def _thresholds(report: Report, engine: sa.Engine) -> None:
    """The longest value that stays in the row itself, of letters that do not compress."""
    for told, type_ in (("text", sa.Text()), ("encrypted", EncryptedText())):
        table = _table(type_)
        with engine.begin() as connection:
            table.create(connection)
            inside = _longest_inside(connection, table)
            table.drop(connection)
        report.add(f"{told}: the longest value that is not moved out to TOAST", inside, "bytes")


def _longest_inside(connection: sa.Connection, table: sa.Table) -> int:
    low, high = 1, 4_096
    size = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = to_regclass('sized')"
    while low + 1 < high:
        middle = (low + high) // 2
        connection.execute(sa.text("truncate sized"))
        connection.execute(sa.insert(table), {"id": 1, "value": _noise(middle)})
        low, high = (low, middle) if connection.scalar(sa.text(size)) else (middle, high)
    return low


def _noise(size: int) -> str:
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits + "+/", k=size))


def _letter(number: int, size: int) -> str:
    """Words, as people write them."""
    words = random.Random(number).choices(TEXT.split(), k=size // 3)
    return f"{number:07d} {' '.join(words)}"[:size]
