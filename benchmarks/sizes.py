"""Sealing and opening by the size of the value, beside peers under the same custody."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from sqlalchemy_envelope import Envelope
from sqlalchemy_envelope.opening import OpenPair, Reading
from sqlalchemy_envelope.sealing import ToSeal

from . import bare, peers
from .figures import Report
from .ground import Ground
from .keyrings import KEYRINGS, envelope, static_key
from .measure import Work, paced

SIZES = (16, 256, 1024, 8192, 65536)
FLOOR = "bare primitives"
PGCRYPTO = "pgcrypto, in the server"

Times = dict[str, dict[int, float]]


def run(report: Report, ground: Ground) -> None:
    """The second half of the suite `seal`."""
    sizes, seconds, rounds = ((16, 4096), 0.001, 1) if report.quick else (SIZES, 0.02, 5)
    report.note(f"by size: a round of {seconds * 1000:g} ms for each in turn, median of {rounds}")
    sealing: Times = {}
    opening: Times = {}
    for size in sizes:
        works = _ours(size) | _theirs(size)
        seals = {name: (seal, count) for name, (seal, _, count) in works.items()}
        opens = {name: (open_, count) for name, (_, open_, count) in works.items()}
        for variants, kept in ((seals, sealing), (opens, opening)):
            for name, time in paced(variants, seconds, rounds).items():
                kept.setdefault(name, {})[size] = time
    _pgcrypto(report, ground, sealing, opening, sizes)
    for told, kept in (("seal", sealing), ("open", opening)):
        rows = {name: [by_size.get(size) for size in sizes] for name, by_size in kept.items()}
        report.table(f"{told}, µs by size of the value", [f"{size:,} B" for size in sizes], rows)
        for name, by_size in kept.items():
            report.curve(f"seal-{told}", name, list(by_size.items()))
    for name in peers.PEERS.keys() - sealing.keys():
        report.note(f"{name}: not installed")


Works = dict[str, tuple[Work, Work, int]]
"""By name: what seals, what opens, and how many values both do at once."""


def _ours(size: int) -> Works:
    count = max(1, min(200, 2**18 // size))
    values = [b"\x01" + b"x" * size] * count
    opened = bare.sealed(count, values[0])
    works: Works = {
        FLOOR: (lambda: bare.seal(count, values[0]), lambda: bare.open_all(opened), count),
    }
    for name in KEYRINGS:
        works[f"sqlalchemy-envelope, {name}"] = _pair(envelope(name, static_key()), values)
    return works


def _pair(of: Envelope, values: list[bytes]) -> tuple[Work, Work, int]:
    column = of.seal_columns([ToSeal(bare.CONTEXT, values)])[0]
    both = zip(column.deks, column.contents, strict=True)
    pairs = [dek + content for dek, content in both if dek and content]
    return (
        lambda: of.seal_columns([ToSeal(bare.CONTEXT, values)]),
        _opened(of.opener(Reading(bare.CONTEXT)).open, pairs),
        len(values),
    )


def _opened(open_: OpenPair, pairs: list[bytes]) -> Work:
    return lambda: [open_(pair) for pair in pairs]


def _theirs(size: int) -> Works:
    works: Works = {}
    for name in peers.PEERS:
        pair = peers.made(name, "x" * size)
        if pair is not None:
            works[name] = (pair[0], _again(pair[1], pair[0]()), 1)
    return works


def _again(open_: Callable[[Any], Any], sealed: Any) -> Work:
    return lambda: open_(sealed)


def _pgcrypto(report: Report, ground: Ground, sealing: Times, opening: Times, sizes: tuple[int, ...]) -> None:
    """Within the server, where the key is sent with every statement: only where one is given that has it."""
    if not ground.given:
        report.note("pgcrypto: the embedded server has none; --url names one that may")
        return
    seconds, rounds = (0.001, 1) if report.quick else (0.02, 7)
    with ground.engine().connect() as connection:
        known = connection.scalar(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'pgcrypto'"))
        if not known:
            report.note("pgcrypto: the given server has none")
            return
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pgcrypto"))
        for size in sizes:
            times = paced(_in_the_server(connection, size), seconds, rounds)
            sealing.setdefault(PGCRYPTO, {})[size] = times["seal"]
            opening.setdefault(PGCRYPTO, {})[size] = times["open"]
        version = connection.scalar(sa.text("SHOW server_version"))
        report.note(f"pgcrypto: pgp_sym_encrypt of AES-256 in PostgreSQL {version}, 20 values a statement")
        connection.rollback()


def _in_the_server(connection: sa.Connection, size: int) -> dict[str, tuple[Work, int]]:
    """Both functions over and over in one statement. Decrypting is immutable: its key depends on the row."""
    count, key = 20, peers.KEY.hex()
    sealed = "pgp_sym_encrypt(repeat('x', :size), :key, 'cipher-algo=aes256')"
    each = f"FROM generate_series(1, {count}) n"
    seal = sa.text(f"SELECT sum(length({sealed})) {each}")
    open_ = sa.text(f"SELECT sum(length(pgp_sym_decrypt(:sealed, :key || left(n::text, 0)))) {each}")
    given = {"size": size, "key": key}
    given["sealed"] = connection.scalar(sa.text(f"SELECT {sealed}"), given)
    return {
        "seal": (lambda: connection.execute(seal, given).all(), count),
        "open": (lambda: connection.execute(open_, given).all(), count),
    }
