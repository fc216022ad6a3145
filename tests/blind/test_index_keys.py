"""Index keys: who makes them, what cells they make, and for how long a process goes by what it read."""

from collections.abc import Callable

from sqlalchemy_envelope import BlindIndex, Context, Envelope
from sqlalchemy_envelope.codec import encode_text
from sqlalchemy_envelope.keyring.waiting import wait_here

SSN = BlindIndex().context(Context("patient", "ssn"))
ADA, BOB = BlindIndex().messages([encode_text("ada"), encode_text("bob")])


def test_the_first_writer_makes_the_key_and_others_find_its_rows(process: Callable[..., Envelope]) -> None:
    """A search before that finds nothing, and makes none."""
    one, other = process().index_keys, process().index_keys
    assert other.probes([(SSN, [ADA, None])], wait_here) == [[(), ()]]
    (written,) = one.cells([(SSN, [ADA, None, BOB])], wait_here)
    assert [cell and len(cell) for cell in written] == [20, None, 20]
    assert other.probes([(SSN, [BOB, ADA, None])], wait_here) == [[(written[2],), (written[0],), ()]]
    assert other.written([(SSN, [ADA])], wait_here) == [[(written[0],)]]
    assert other.tags([SSN], wait_here) == [(written[0][:4],)]  # type: ignore[index]
    assert not other.is_rotating(SSN.key, wait_here)
