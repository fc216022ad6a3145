"""What a revision would lose that drops a column and makes an encrypted one, if the values are the same."""

from collections.abc import Sequence

from ..backfill.subject.valuetype import ValueType
from ..errors import ConfigurationError
from ..pairs import Pair
from .changes import TableChanges
from .valuetypes import value_type


def losable(changes: TableChanges, pairs: Sequence[Pair]) -> list[str]:
    """Columns to be dropped that may be the plaintext of some pair: texts, bytes, and those of its type."""
    meant = {value_type(pair.type) for pair in pairs} | {ValueType.TEXT, ValueType.BYTES}
    return [name for name, type_ in changes.dropped.items() if value_type(type_) in meant - {None}]


def refuse_loss(changes: TableChanges) -> None:
    """Never a new pair and a dropped value in one revision, unless their names say what belongs together."""
    new = [each for each in changes.pairs if each in changes.added]
    lost = losable(changes, [changes.pairs[each] for each in new])
    if new and lost:
        table = changes.name
        raise ConfigurationError(
            f"{table}: a revision that adds the encrypted {', '.join(sorted(new))} and drops "
            f"{', '.join(sorted(lost))} would lose values, if they are the same. Move them instead: "
            f"op.encrypt_column({table!r}, {lost[0]!r}, into={new[0]!r}); or if they are not, add first, "
            "and drop in a later revision"
        )
