"""One value of 36 bytes sealed and opened, against the same primitives bare, and against peers."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope.codec import decode_text, encode_all, encode_text
from sqlalchemy_envelope.envelope import ToSeal
from sqlalchemy_envelope.opening import OpenPair, Reading
from tests.keys.memory_store import MemoryStore

from . import bare
from .figures import Report
from .measure import Work, medians
from .peers import TEXT, peers

AIM = 1.5
TIERED_AIM = 1.1


def run(report: Report) -> tuple[float, float]:
    """The suite; gives the microseconds of the bare seal and open, which other suites count in."""
    count, rounds = (50, 1) if report.quick else (1_000, 51)
    report.suite("seal", f"36 bytes, static key, {count:,} values a batch, median of {rounds} rounds")
    envelope = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))
    values, texts, cells = [bare.VALUE] * count, [TEXT] * count, envelope.seal_many([TEXT], "patient.ssn")
    opener = envelope.opener(Reading(bare.CONTEXT))
    column = envelope.seal_columns([ToSeal(bare.CONTEXT, values)])[0]
    both = zip(column.deks, column.contents, strict=True)
    pairs = [dek + content for dek, content in both if dek and content]
    sealed, read = bare.sealed(count), opener.reader(decode_text)
    tiered, tiered_pairs = _tiered(values)
    tiered_open = tiered.opener(Reading(bare.CONTEXT)).open
    times = medians(
        {
            "bare seal": lambda: bare.seal(count),
            "seal in a batch": lambda: envelope.seal_columns([ToSeal(bare.CONTEXT, values)]),
            "seal text in a batch": lambda: envelope.seal_columns(
                [ToSeal(bare.CONTEXT, encode_all(encode_text, texts, "patient.ssn"))]
            ),
            "seal_many of one": lambda: [envelope.seal_many([TEXT], bare.CONTEXT) for _ in range(count)],
            "bare open": lambda: bare.open_all(sealed),
            "open a pair": lambda: [opener.open(pair) for pair in pairs],
            "read a pair as text": lambda: [read(pair) for pair in pairs],
            "tiered: seal in a batch": lambda: tiered.seal_columns([ToSeal(bare.CONTEXT, values)]),
            "tiered: open a pair": lambda: [tiered_open(pair) for pair in tiered_pairs],
            "open_many of one": lambda: [envelope.open_many(cells, bare.CONTEXT) for _ in range(count)],
        },
        count,
        rounds,
    )
    _tell(report, times)
    for name in ("seal in a batch", "open a pair"):
        report.add(f"tiered: {name}", times[f"tiered: {name}"], "µs")
        ratio = times[f"tiered: {name}"] / times[name]
        report.add(f"tiered: {name}, against the static key", ratio, "×", TIERED_AIM)
    _tell_peers(report, envelope, opener.open, pairs[0])
    return times["bare seal"], times["bare open"]


def _tiered(values: list[bytes]) -> tuple[Envelope, list[bytes]]:
    """An envelope of tiers whose key is live, and pairs under it."""
    static, store = StaticKey(bytes(range(32))), MemoryStore(time.monotonic)
    envelope = Envelope(TieredKeyring(static, store=store))
    column = envelope.seal_columns([ToSeal(bare.CONTEXT, values)])[0]
    both = zip(column.deks, column.contents, strict=True)
    return envelope, [dek + content for dek, content in both if dek and content]


def _tell(report: Report, times: dict[str, float]) -> None:
    for floor, ours, single in (
        ("bare seal", ("seal in a batch", "seal text in a batch"), "seal_many of one"),
        ("bare open", ("open a pair", "read a pair as text"), "open_many of one"),
    ):
        report.add(floor, times[floor], "µs")
        for name in ours:
            report.add(name, times[name], "µs")
            report.add(f"{name}, against the {floor}", times[name] / times[floor], "×", AIM)
        report.add(single, times[single], "µs")
        report.add(f"{single}, against the {floor}", times[single] / times[floor], "×")


def _tell_peers(report: Report, envelope: Envelope, open_: OpenPair, pair: bytes) -> None:
    count, rounds = (20, 3) if report.quick else (300, 15)
    ours = {
        "seal in a batch": lambda: envelope.seal_columns([ToSeal(bare.CONTEXT, [bare.VALUE] * count)]),
        "open a pair": lambda: [open_(pair) for _ in range(count)],
    }
    for name, make in peers().items():
        try:
            seal, unseal = make()
        except ImportError:
            report.note(f"{name}: not installed")
            continue
        times = medians(ours | _theirs(seal, unseal, count), count, rounds)
        report.add(f"{name}: seal", times["seal"], "µs")
        report.add(f"seal in a batch, against {name}", times["seal in a batch"] / times["seal"], "×")
        report.add(f"{name}: open", times["open"], "µs")
        report.add(f"open a pair, against {name}", times["open a pair"] / times["open"], "×")


def _theirs(seal: Callable[[], Any], open_: Callable[[Any], Any], count: int) -> dict[str, Work]:
    sealed = seal()
    if open_(sealed) not in {TEXT, TEXT.encode()}:
        raise AssertionError
    return {
        "seal": lambda: [seal() for _ in range(count)],
        "open": lambda: [open_(sealed) for _ in range(count)],
    }
