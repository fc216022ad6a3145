"""The board of waves: turns are fair, calls are shared, nothing that nobody waits for is made."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import KeyProviderError
from sqlalchemy_envelope.keyring.wave import Board, Call, Wave


def asked(board: Board, keys: Sequence[object]) -> Wave:
    """A wave that waits for calls of these keys."""
    wave = Wave()
    for key in keys:
        board.ask(wave, board.find(key) or Call(object, key))
    board.start(wave)
    return wave


def finish(board: Board) -> list[object]:
    """Make all calls that are to be made, in turn: their keys."""
    made = []
    while (call := board.take()) is not None:
        call.run()
        made.append(call.key)
        for wave in board.settle(call):
            wave.release()
    return made


def test_waves_take_turns() -> None:
    """Call by call."""
    board = Board()
    asked(board, ["a1", "a2", "a3"])
    asked(board, ["b1", "b2"])
    assert finish(board) == ["a1", "b1", "a2", "b2", "a3"]


def test_a_call_without_a_key_is_not_shared() -> None:
    """Two values never get one data key."""
    board, wave = Board(), Wave()
    for _ in range(3):
        board.ask(wave, Call(object))
    board.start(wave)
    assert finish(board) == [None] * 3


def test_a_wave_is_over_with_its_last_call() -> None:
    """Not before."""
    board = Board()
    wave = asked(board, ["a", "b"])
    first, second = board.take(), board.take()
    assert first
    assert second
    assert board.settle(first) == []
    assert board.settle(second) == [wave]


def test_a_wave_is_over_with_its_first_error() -> None:
    """The rest of it is not made, and a second error is not heard."""
    board = Board()
    wave = asked(board, ["a", "b", "c"])
    first, second = board.take(), board.take()
    assert first
    assert second
    first.error = second.error = KeyProviderError("no", retryable=False)
    assert board.settle(first) == [wave]
    assert board.settle(second) == []
    assert board.take() is None


def test_releasing_a_wave_whose_caller_left_does_nothing() -> None:
    """A cancelled future stays cancelled."""
    wave = Wave()
    wave.future.cancel()
    wave.release()
    assert wave.future.cancelled()


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=6),
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 5)),
)
def test_every_caller_hears_and_no_key_is_fetched_twice(
    waves: list[list[int]], failing: set[int], leaving: set[int]
) -> None:
    """For any callers, failures and departures: each that stays hears of its keys, or of one that failed."""
    board = Board()
    callers = [asked(board, keys) for keys in waves]
    for at in leaving & set(range(len(callers))):
        callers[at].future.cancel()
    made: list[object] = []
    while (call := board.take()) is not None:
        made.append(call.key)
        if call.key in failing:
            call.error = KeyProviderError("no", retryable=True)
        for wave in board.settle(call):
            wave.release()
    assert len(made) == len(set(made))
    for at, (caller, keys) in enumerate(zip(callers, waves, strict=True)):
        if at in leaving:
            assert caller.future.cancelled()
        elif keys:
            assert caller.future.done()
            assert bool(caller.future.exception()) == bool(failing & set(keys))
    staying = {key for at, keys in enumerate(waves) if at not in leaving for key in keys}
    assert set(made) <= staying
