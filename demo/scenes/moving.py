"""A plain column becomes an encrypted one while old and new versions of an application keep writing to it."""

import time
from collections.abc import Callable
from contextlib import closing

from rich.padding import Padding
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from sqlalchemy_envelope.backfill.batches.checkpoint import Progress
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.job.running import Report
from sqlalchemy_envelope.backfill.moving import stages, whole
from sqlalchemy_envelope.backfill.moving.standing import look
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.record.jobs import record_job
from sqlalchemy_envelope.backfill.status.status import ColumnStatus, columns
from sqlalchemy_envelope.backfill.subject.move import Move

from ..stage import Stage
from ..versions import (
    COLUMN,
    PAIR,
    TABLE,
    LastSubscriber,
    NewestSubscriber,
    NewSubscriber,
    OldSubscriber,
    Plain,
)
from ..world import SHARED, World
from ..writers import Writer

ROWS, QUICK_ROWS, ROWS_A_BATCH = 20_000, 2_000, 500
WRITTEN_LAST = 20
REVISION = f"""\
op.encrypt_column("{TABLE}", "{COLUMN}", into="{PAIR}", run="later")
{COLUMN} = mapped_column("{PAIR}", EncryptedText(moving=ReadsPlaintext("{COLUMN}")))
$ sqlalchemy-envelope backfill {TABLE}.{COLUMN}"""
Seen = dict[str, ColumnStatus]


def play(stage: Stage, world: World) -> None:
    """Move, count what is wrong, and move back."""
    stage.scene(
        "The move",
        "A table of plain e-mail addresses becomes an encrypted one while two versions of its application "
        "keep writing: an old one that knows of no encryption, and one that writes both.",
    )
    stage.show(Padding(REVISION, (0, 0, 1, 2)))
    database = Database.of(world.url)
    move = Move.plan(TABLE, COLUMN, schema=world.schema, into=PAIR)
    with world.bare_engine() as old, world.engine(reuse=SHARED) as new:
        rows = _filled(old, world)
        whole.begin(database, move)
        before = _status(database, move)
        halves = [{number: email for number, email in rows.items() if number % 2 == half} for half in (0, 1)]
        with (
            Writer("old", old, OldSubscriber, halves[0], 2) as plain,
            Writer("new", new, NewSubscriber, halves[1], 2) as both,
        ):
            _move(stage, world, database, move, before, plain)
        _count(stage, new, database, move, plain, both)
        _back(stage, world, (old, new), database, move, plain.truth | both.truth)


def _filled(engine: Engine, world: World) -> dict[int, str]:
    """The customers' addresses, over and over, each with a number in it."""
    emails = [row["email"].split("@") for row in world.chinook.customers]
    count = QUICK_ROWS if world.quick else ROWS
    rows = {n: f"{emails[n % len(emails)][0]}+{n}@{emails[n % len(emails)][1]}" for n in range(count)}
    Plain.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(OldSubscriber), [{"id": n, "email": email} for n, email in rows.items()])
    return rows


def _move(
    stage: Stage, world: World, database: Database, move: Move, before: ColumnStatus, old: Writer
) -> None:
    """With status before, half-way and after, the old version being gone by the second pass."""
    seen, half = {"before": before}, (before.pending or 0) / 2 - ROWS_A_BATCH

    def heard(reached: Progress) -> None:
        if "half-way" not in seen and reached.rows_done > half:
            seen["half-way"] = _status(database, move)
        if reached.sweep > 1:
            old.stop()

    encrypted = _run(stage, world, database, move, "encrypt", heard)
    seen["after"] = _status(database, move)
    _show_status(stage, seen)
    stage.promise(
        f"{encrypted.rows_done:,} rows encrypted in {encrypted.sweeps} passes, "
        f"{encrypted.rows_done / encrypted.seconds:,.0f} a second; {encrypted.rows_raced} changed in between "
        "and were done again; the rows that the old version wrote were pending again",
        encrypted.state == "done" and not encrypted.rows_quarantined,
    )
    verified = _run(stage, world, database, move, "verify", lambda _: None)
    stage.promise(
        f"verified: {verified.rows_done:,} rows opened and compared in constant time, "
        f"{verified.rows_quarantined} differ",
        verified.state == "done" and not verified.rows_quarantined,
    )


def _run(
    stage: Stage,
    world: World,
    database: Database,
    move: Move,
    kind: str,
    heard: Callable[[Progress], None],
) -> Report:
    """What the command line does, with a bar on this stage."""
    recorded = look(database, move).recorded
    with closing(database.connect("demo")) as connection:
        job = record_job(connection, recorded, kind)
    envelope = world.envelope(SHARED)
    reached = 0
    with stage.progress(f"{kind} {move.place}", ROWS if not world.quick else QUICK_ROWS) as advance:

        def told(progress: Progress) -> None:
            nonlocal reached
            advance(progress.rows_done - reached)
            reached = progress.rows_done
            heard(progress)

        return run(database, job.id, lambda: envelope, pace=Pace(most=ROWS_A_BATCH), progress=told)


def _status(database: Database, move: Move) -> ColumnStatus:
    """From SQL alone, without keys."""
    with closing(database.connect("demo status")) as connection:
        return next(
            each
            for each in columns(connection)
            if (each.schema, each.table, each.column) == (move.schema, move.table, move.column)
        )


def _show_status(stage: Stage, seen: Seen) -> None:
    table = stage.table("sqlalchemy-envelope status", "rows", "plain", "encrypted", "pending", "format")
    for when, each in seen.items():
        formats = ", ".join(f"v{version}" for version in each.versions)
        cells = (f"{number or 0:,}" for number in (each.rows, each.plain, each.encrypted, each.pending))
        table.add_row(when, *cells, formats)
    stage.show(table)


def _count(stage: Stage, engine: Engine, database: Database, move: Move, old: Writer, new: Writer) -> None:
    """Hand over, and read everything by the newest version."""
    began = time.perf_counter()
    stages.swap(database, move)
    took = time.perf_counter() - began
    truth = old.truth | new.truth
    with Session(engine) as session:
        found = {each.id: each.email for each in session.scalars(select(NewestSubscriber))}
    wrong = sum(found.get(number) != email for number, email in truth.items()) + abs(len(found) - len(truth))
    stage.promise(
        f"handed over to the pair in {took * 1000:.0f} ms; the newest version reads {len(found):,} rows, "
        f"{wrong} wrong, after {old.writes + new.writes:,} writes beside the move "
        f"({old.writes:,} by the old version)",
        wrong == 0 and min(old.writes, new.writes) > 0 and (old.error, new.error) == (None, None),
    )


def _back(
    stage: Stage,
    world: World,
    engines: tuple[Engine, Engine],
    database: Database,
    move: Move,
    truth: dict[int, str],
) -> None:
    """All of it undone, with what was written in between by a version that writes the pair alone."""
    old, new = engines
    envelope = world.envelope(SHARED)
    written = {number: f"newest.{number}@example.org" for number in range(WRITTEN_LAST)}
    with Session(new) as session:
        for number, email in written.items():
            session.get_one(LastSubscriber, number).email = email
        session.commit()
    whole.decrypt_column(database, move, lambda: envelope)
    with Session(old) as session:
        found = {each.id: each.email for each in session.scalars(select(OldSubscriber))}
    stage.promise(
        f"and op.decrypt_column, the way back: {len(found):,} rows in plain text again, none lost, "
        f"{len(written)} of them written encrypted only",
        found == truth | written,
    )
