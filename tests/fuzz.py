"""Fuzzed parses: `python -m tests.fuzz --count 1000000`. Only declared errors may come of any bytes.

Half are valid cells with a few bytes changed, cut, doubled, inserted or exchanged with another's; the rest is
random, half of that behind a plausible head. Each is given to one of the parsers or readers, in turn.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy_envelope import Context, DecryptionError, Envelope, Version, codec
from sqlalchemy_envelope.legacy import NO_SIBLING, check_sealed, split_v2
from sqlalchemy_envelope.opening import Opener, Reading
from sqlalchemy_envelope.wire import ContentCell, KeyCell, split_pair

from .vectors import samples
from .vectors.reading import keyring_of

Parse = Callable[[bytes], object]
PLACE = Context(**samples.PLACE)


def seeds() -> list[bytes]:
    """Valid cells, pairs and blobs of every version and wrap."""
    fuzzed = (samples.static, samples.kms, samples.kek, samples.v2, samples.v1)
    made = [make("fuzz") for make in fuzzed] + [samples.static("fuzz", plaintext=b"\x02bytes")]
    cells = [cell for sample in made for cell in (sample.dek, sample.content) if cell]
    pairs = [(sample.dek or NO_SIBLING) + (sample.content or b"") for sample in made]
    return cells + pairs


def parsers() -> dict[str, Parse]:
    """Everything that is given stored bytes. A parser that says yes must also write them again."""
    static = keyring_of(samples.static("fuzz").opens("", "", b""))
    kms = keyring_of(samples.kms("fuzz").opens("", "", b""))
    found: dict[str, Parse] = {
        "key cell": lambda cell: _same(KeyCell.parse(cell).pack(), cell),
        "content cell": lambda cell: _same(ContentCell.parse(cell).pack(), cell),
        "pair": lambda pair: _same(b"".join(split_pair(pair)), pair),
        "version 2": lambda blob: _same(b"".join(split_v2(blob)), blob),
        "version 1": lambda blob: _same(check_sealed(blob), blob),
        "cells apart": lambda pair: Envelope(static).open_many([(pair[:81], pair[81:])], PLACE),
    }
    for name, keyring in (("static", static), ("kms", kms)):
        for accept in (None, *Version):
            opener = Opener(keyring, Reading(PLACE, accept, codec.TEXT_TAG))
            found[f"{name} reader, accept {accept and accept.name}"] = _fetching(opener)
    return found


def _fetching(opener: Opener) -> Parse:
    read = opener.reader(codec.decode_text)

    def fetch_and_read(pair: bytes) -> object:
        opener.locked([pair])
        return read(pair)

    return fetch_and_read


def _same(packed: bytes, given: bytes) -> None:
    if packed != given:
        raise AssertionError("what parsed packs to other bytes")


def inputs(seed: int) -> Iterator[bytes]:
    """Bytes without end, the same for the same seed."""
    rng, valid = random.Random(seed), seeds()
    heads = [cell[: rng.randrange(1, 24)] for cell in valid]
    while True:
        kind = rng.random()
        if kind < 0.5:
            yield _mutated(rng, rng.choice(valid), rng.choice(valid))
        elif kind < 0.75:
            yield rng.choice(heads) + rng.randbytes(rng.randrange(200))
        else:
            yield rng.randbytes(rng.randrange(200))


def _mutated(rng: random.Random, cell: bytes, other: bytes) -> bytes:
    at, length = rng.randrange(len(cell)), rng.randrange(1, 20)
    match rng.randrange(7):
        case 0:
            return cell[:at]
        case 1:
            return cell[:at] + rng.randbytes(length) + cell[at:]
        case 2:
            return cell[:at] + cell[at + length :]
        case 3:
            return cell[:at] + other[at:]
        case 4:
            return cell + cell[at:]
        case 5:
            return cell + other
        case _:
            changed = bytearray(cell)
            for _ in range(rng.randrange(3)):  # none at all now and then: a valid one
                at = rng.randrange(rng.choice((4, len(cell))))  # the first bytes decide most
                changed[at] = rng.randrange(256)
            return bytes(changed)


def fuzz(count: int, seed: int = 0) -> Counter[str]:
    """Parses `count` inputs and counts what came of them; anything but a declared error is raised."""
    counts: Counter[str] = Counter()
    parses = list(parsers().values())
    for number, given in zip(range(count), inputs(seed), strict=False):
        counts[_outcome(parses[number % len(parses)], given)] += 1
    return counts


def _outcome(parse: Callable[[bytes], Any], given: bytes) -> str:
    try:
        parse(given)
    except DecryptionError as error:
        return str(error.failure)
    return "valid"


def main() -> int:
    """Prints how many inputs came to what."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    started = time.monotonic()
    counts = fuzz(chosen.count, chosen.seed)
    for outcome, count in counts.most_common():
        sys.stdout.write(f"{outcome:12} {count:>10,}\n")
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{counts.total():,} parses in {seconds:.0f} s, seed {chosen.seed}: only declared errors\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
