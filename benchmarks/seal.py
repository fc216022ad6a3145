"""One value sealed and opened: by keyring and size, against the same primitives bare, and against peers."""

from sqlalchemy_envelope import Envelope
from sqlalchemy_envelope.codec import decode_text, encode_all, encode_text
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.sealing import ToSeal

from . import bare, sizes
from .figures import Report
from .ground import Ground
from .keyrings import envelope, static_envelope, static_key
from .measure import medians
from .peers import TEXT

AIM = 1.5
TIERED_AIM = 1.1


def run(report: Report, ground: Ground) -> None:
    """The suite."""
    count, rounds = (50, 1) if report.quick else (1_000, 25)
    report.suite("seal", f"static key, no network; 36 bytes: {count:,} values a batch, median of {rounds}")
    _against_the_floor(report, count, rounds)
    sizes.run(report, ground)


def _against_the_floor(report: Report, count: int, rounds: int) -> None:
    plain, tiered = static_envelope(), envelope("tiered", static_key())
    values, texts, cells = [bare.VALUE] * count, [TEXT] * count, plain.seal_many([TEXT], "patient.ssn")
    opener = plain.opener(Reading(bare.CONTEXT))
    pairs, tiered_pairs = sealed_pairs(plain, values), sealed_pairs(tiered, values)
    sealed, read = bare.sealed(count), opener.reader(decode_text)
    tiered_open = tiered.opener(Reading(bare.CONTEXT)).open
    times = medians(
        {
            "bare seal": lambda: bare.seal(count),
            "seal in a batch": lambda: plain.seal_columns([ToSeal(bare.CONTEXT, values)]),
            "seal text in a batch": lambda: plain.seal_columns(
                [ToSeal(bare.CONTEXT, encode_all(encode_text, texts, "patient.ssn"))]
            ),
            "seal_many of one": lambda: [plain.seal_many([TEXT], bare.CONTEXT) for _ in range(count)],
            "bare open": lambda: bare.open_all(sealed),
            "open a pair": lambda: [opener.open(pair) for pair in pairs],
            "read a pair as text": lambda: [read(pair) for pair in pairs],
            "tiered: seal in a batch": lambda: tiered.seal_columns([ToSeal(bare.CONTEXT, values)]),
            "tiered: open a pair": lambda: [tiered_open(pair) for pair in tiered_pairs],
            "open_many of one": lambda: [plain.open_many(cells, bare.CONTEXT) for _ in range(count)],
        },
        count,
        rounds,
    )
    _tell(report, times)


def sealed_pairs(of: Envelope, values: list[bytes]) -> list[bytes]:
    """Values sealed, each as the one cell that SQL makes of both."""
    column = of.seal_columns([ToSeal(bare.CONTEXT, values)])[0]
    both = zip(column.deks, column.contents, strict=True)
    return [dek + content for dek, content in both if dek and content]


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
    for name in ("seal in a batch", "open a pair"):
        report.add(f"tiered: {name}", times[f"tiered: {name}"], "µs")
        ratio = times[f"tiered: {name}"] / times[name]
        report.add(f"tiered: {name}, against the static key", ratio, "×", TIERED_AIM)
