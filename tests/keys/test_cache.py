"""The cache forgets what is old and what was not used, and nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sqlalchemy_envelope.keyring.cache import KeyCache

ENTRIES = 4
KEYS = st.sampled_from("abcdefgh")


def test_a_value_lives_until_its_time_and_no_longer() -> None:
    """At the very moment of its expiry it is gone."""
    cache: KeyCache[str, int] = KeyCache(ENTRIES)
    cache.put("a", 1, expires=10.0)
    assert cache.get("a", 9.999) == 1
    assert cache.get("a", 10.0) is None
    assert len(cache) == 0


def test_a_hit_does_not_make_it_live_longer() -> None:
    """However often a key is used, it is fetched again in time."""
    cache: KeyCache[str, int] = KeyCache(ENTRIES)
    cache.put("a", 1, expires=10.0)
    for now in range(10):
        assert cache.get("a", float(now)) == 1
    assert cache.get("a", 10.0) is None


def test_without_room_the_least_recently_used_goes() -> None:
    """A hit counts as use."""
    cache: KeyCache[str, int] = KeyCache(2)
    cache.put("a", 1, 10.0)
    cache.put("b", 2, 10.0)
    cache.get("a", 0.0)
    cache.put("c", 3, 10.0)
    assert [cache.get(key, 0.0) for key in "abc"] == [1, None, 3]


def test_with_no_entries_nothing_is_kept() -> None:
    """`entries=0` switches it off."""
    cache: KeyCache[str, int] = KeyCache(0)
    cache.put("a", 1, 10.0)
    assert cache.get("a", 0.0) is None


def test_it_does_not_show() -> None:
    """Its repr says how many, not which."""
    cache: KeyCache[str, bytes] = KeyCache(2)
    cache.put("a", b"secret", 10.0)
    assert "secret" not in repr(cache)


class AgainstAModel(RuleBasedStateMachine):
    """The cache beside a list that is kept by hand, most recently used last."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.cache: KeyCache[str, int] = KeyCache(ENTRIES)
        self.model: list[tuple[str, int, float]] = []

    def _model_take(self, key: str) -> tuple[str, int, float] | None:
        found = next((each for each in self.model if each[0] == key), None)
        self.model = [each for each in self.model if each[0] != key]
        return found if found and found[2] > self.now else None

    @rule(key=KEYS, value=st.integers(), seconds=st.floats(0.1, 10))
    def put(self, key: str, value: int, seconds: float) -> None:
        """Keep something."""
        self.cache.put(key, value, self.now + seconds)
        self._model_take(key)
        self.model = [*self.model, (key, value, self.now + seconds)][-ENTRIES:]

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        """Both know the same."""
        found = self._model_take(key)
        if found:
            self.model.append(found)
        assert self.cache.get(key, self.now) == (found and found[1])

    @rule(key=KEYS)
    def pop(self, key: str) -> None:
        """Both know the same, for the last time."""
        found = self._model_take(key)
        assert self.cache.pop(key, self.now) == (found and found[1])

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds

    @rule()
    def clear(self) -> None:
        """Nothing is left."""
        self.cache.clear()
        self.model = []

    @invariant()
    def bounded(self) -> None:
        """Never more than there is room for."""
        assert len(self.cache) == len(self.model) <= ENTRIES


TestAgainstAModel = AgainstAModel.TestCase
TestAgainstAModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(KEYS, st.integers()), max_size=30))
def test_what_was_put_last_is_what_is_there(puts: list[tuple[str, int]]) -> None:
    """A key has one value: the latest."""
    cache: KeyCache[str, int] = KeyCache(8)
    for key, value in puts:
        cache.put(key, value, 1.0)
    assert all(cache.get(key, 0.0) == value for key, value in dict(puts).items())
