"""A tiered keyring while KMS has a bad day, by the real client: what goes on, what stops, and how it ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import pytest

from sqlalchemy_envelope import (
    AwsKms,
    Context,
    DecryptionError,
    Envelope,
    EnvelopeError,
    KeyProviderError,
    TieredKeyring,
)

from . import stub as answers
from .clock import Clock
from .memory_store import MemoryStore
from .stub import ARN, OTHER_ARN, Answer, Stub
from .waits import together

T = TypeVar("T")

STATE, KMS, OUTAGE = 300.0, 900.0, 600.0


@dataclass(frozen=True)
class Day:
    """What KMS answers, and whether the cause may pass by itself."""

    answer: Answer
    retryable: bool


HUGE = bytes(200_000)
DAYS = {
    "throttling": Day(answers.failing("ThrottlingException"), True),
    "outage": Day(answers.hang_up, True),
    "failing inside": Day(answers.failing("KMSInternalException", 500), True),
    "slow": Day(answers.after(0.7), True),
    "denied": Day(answers.failing("AccessDeniedException"), False),
    "disabled": Day(answers.failing("DisabledException"), False),
    "expired": Day(answers.failing("ExpiredTokenException"), False),
    "malformed": Day(answers.raw(200, b'{"Plaintext": '), False),
    "no json": Day(answers.raw(200, b"<html>"), False),
    "another key": Day(answers.replies(KeyId=OTHER_ARN, Plaintext=bytes(32), CiphertextBlob=b"x"), False),
    "huge": Day(answers.replies(KeyId=ARN, Plaintext=HUGE, CiphertextBlob=HUGE), False),
    "wrong context": Day(answers.failing("InvalidCiphertextException"), False),
}


class World:
    """One process after another over the same store, and a KMS that may be told to fail."""

    def __init__(self, stub: Stub, make_kms: Callable[..., AwsKms]) -> None:
        self.stub, self.clock = stub, Clock()
        self.store = MemoryStore(self.clock)
        self._make_kms = make_kms

    def process(self, **options: Any) -> Envelope:
        """A new one."""
        kms = self._make_kms(time_budget=0.5, read_timeout=0.4)
        keyring = TieredKeyring(
            kms, store=self.store, state_seconds=STATE, kms_seconds=KMS, clock=self.clock, **options
        )
        return Envelope(keyring)

    def age(self, envelope: Envelope, seconds: float, read: Callable[[Envelope], object]) -> None:
        """Let time go by for a process that goes on reading, so that it asks for states as it should."""
        ends = self.clock.now + seconds
        while self.clock.now < ends:
            self.clock.now = min(ends, self.clock.now + STATE / 3)
            read(envelope)


@pytest.fixture
def world(stub: Stub, make_kms: Callable[..., AwsKms]) -> World:
    """With nothing in it yet."""
    return World(stub, make_kms)


PLACE = Context("patient", "ssn", tenant="acme")
NEW = Context("patient", "ssn", tenant="new")


def failure(act: Callable[[], object]) -> EnvelopeError:
    """The error of ours that an act raises; nothing of the server's is in it."""
    with pytest.raises(EnvelopeError) as caught:
        act()
    assert "canary" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", DAYS)
def test_a_bad_day(world: World, kind: str) -> None:
    """Warm reads and writes go on until the time is up; what is new fails; recovery needs no restart."""
    day = DAYS[kind]
    warm = world.process()
    pairs = warm.seal_many([b"value"], PLACE)

    def read(envelope: Envelope) -> None:
        assert envelope.open_many(pairs, PLACE) == [b"value"]

    world.stub.always(day.answer)
    world.age(warm, 0.98 * KMS, read)
    assert warm.seal_many([b"another"], PLACE)

    cold = world.process()
    world.clock.now += 0.03 * KMS
    rows = dict(world.store.rows)
    acts: list[Callable[[], object]] = [
        lambda: read(warm),
        lambda: read(cold),
        lambda: warm.seal_many([b"x"], PLACE),
        lambda: warm.seal_many([b"x"], NEW),
        lambda: cold.seal_many([b"x"], NEW),
    ]
    for number, error in enumerate(together(len(acts), lambda number: failure(acts[number]))):
        assert isinstance(error, KeyProviderError if number > 1 else EnvelopeError)
        assert getattr(error, "retryable", False) is day.retryable
    assert world.store.rows.keys() == rows.keys()

    world.stub.script = []
    for envelope in (warm, cold):
        later(partial(read, envelope))
        new = later(partial(envelope.seal_many, [b"y"], NEW))
        assert envelope.open_many(new, NEW) == [b"y"]


def later(act: Callable[[], T]) -> T:
    """What an act gives, tried again while that may help: after throttling KMS is asked slowly at first."""
    for _ in range(10):
        try:
            return act()
        except KeyProviderError as error:
            if not error.retryable:
                raise
            time.sleep(0.1)
    return act()


@pytest.mark.parametrize("kind", ["outage", "denied"])
def test_an_outage_may_be_borne_for_longer(world: World, kind: str) -> None:
    """By `outage_seconds`, for reads and for nothing else; a refusal is no outage."""
    warm = world.process(outage_seconds=OUTAGE)
    pairs = warm.seal_many([b"value"], PLACE)
    world.stub.always(DAYS[kind].answer)
    world.age(warm, KMS - 1, lambda each: each.open_many(pairs, PLACE))
    world.clock.now += OUTAGE - 1
    if kind == "outage":
        assert warm.open_many(pairs, PLACE) == [b"value"]
    else:
        failure(lambda: warm.open_many(pairs, PLACE))
    assert isinstance(failure(lambda: warm.seal_many([b"x"], PLACE)), KeyProviderError)
    world.clock.now += 3
    failure(lambda: warm.open_many(pairs, PLACE))


def test_a_key_of_another_tenant_is_refused_by_kms(world: World) -> None:
    """A row whose tenant was changed by hand is no error of KMS: it never opens, until it is mended."""
    pairs = world.process().seal_many([b"value"], PLACE)
    (row,) = world.store.rows.values()
    world.store.rows[row.id] = replace(row, tenant="other")
    cold = world.process()
    assert isinstance(failure(lambda: cold.open_many(pairs, PLACE)), DecryptionError)
    world.store.rows[row.id] = row
    assert cold.open_many(pairs, PLACE) == [b"value"]
