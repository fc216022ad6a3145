"""Every single-bit flip over both cells of a sample of values: `python -m tests.flips`. None may open.

A flip may also fail as a provider would (never here: the KMS is one that only knows what it wrapped).
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy_envelope import DecryptionError, Envelope
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.rows import encode_keys, packed_row

from .vectors import samples
from .vectors.reading import DECODE, TAG, keyring_of, place_of
from .vectors.reference import Sample

PLAINTEXTS = (b"\x01", b"\x01x", samples.TEXT, b"\x02" + bytes(range(36)), b"\x02" + bytes(1_000))
SAMPLES = {
    **{f"static, {len(each) - 1} bytes": samples.static("flips", plaintext=each) for each in PLAINTEXTS},
    **{f"kms, {len(each) - 1} bytes": samples.kms("flips", plaintext=each) for each in PLAINTEXTS[:3]},
    "static, with a tenant": samples.static("flips", samples.TENANT),
    "static, in a row": samples.static("flips", {**samples.PLACE, "row": [["integer", "42"]]}),
    "key-encryption key": samples.kek("flips"),
}


def flipped(cell: bytes) -> Iterator[bytes]:
    """The cell with each of its bits turned in turn."""
    for bit in range(8 * len(cell)):
        changed = bytearray(cell)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def outcomes(sample: Sample) -> Iterator[str]:
    """What comes of each flip, both with the cells apart and with both read as one."""
    vector = sample.opens("", "", b"")
    keyring = keyring_of(vector)
    (context, row), envelope = place_of(vector), Envelope(keyring)
    rows, before = (None, b"") if row is None else ([row], packed_row(encode_keys(row)))
    read = envelope.opener(Reading(context, None, TAG[sample.type])).reader(DECODE[sample.type])
    dek, content = sample.dek or b"", sample.content or b""
    pairs = [(each, content) for each in flipped(dek)] + [(dek, each) for each in flipped(content)]
    for pair in pairs:
        yield _outcome(lambda cells: envelope.open_many([cells], context, rows), pair)
        yield _outcome(read, before + pair[0] + pair[1])


def _outcome(open_: Callable[[Any], object], cells: object) -> str:
    try:
        open_(cells)
    except DecryptionError as error:
        return str(error.failure)
    return "OPENED"


def main() -> int:
    """Counts by failure; 1 if anything opened."""
    total: Counter[str] = Counter()
    for name, sample in SAMPLES.items():
        counts = Counter(outcomes(sample))
        total += counts
        sys.stdout.write(f"{name:24} {counts.total():>7,} openings, {counts['OPENED']} of them succeeded\n")
    for failure, count in total.most_common():
        sys.stdout.write(f"  {failure:12} {count:>8,}\n")
    cells = sum(8 * (len(each.dek or b"") + len(each.content or b"")) for each in SAMPLES.values())
    sys.stdout.write(f"{cells:,} bit flips, each opened both ways; {total['OPENED']} opened\n")
    return 1 if total["OPENED"] else 0


if __name__ == "__main__":
    sys.exit(main())
