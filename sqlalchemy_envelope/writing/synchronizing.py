"""What the ORM changes in a session's objects after an UPDATE by criteria: those of its tenant only.

It holds the objects against the criteria that were given to it, without what was added to WHERE since.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.orm import evaluator

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_OPTION = "_sa_orm_update_options"


def synchronize_only(options: Mapping[str, Any], column: Column[Any], value: Any) -> None:
    """Leaves objects alone whose tenant is another; one whose tenant isn't loaded is expired."""
    given = options.get(_OPTION)
    condition = getattr(given, "_eval_condition", None)
    named = getattr(getattr(given, "_subject_mapper", None), "_columntoproperty", {})
    if given is None or condition is None or column not in named:
        return
    attribute = named[column].key

    def evaluate(found: Any) -> Any:
        loaded = inspect(found).dict
        if attribute not in loaded:
            return evaluator._EXPIRED_OBJECT
        return condition(found) if loaded[attribute] == value else False

    given._eval_condition = evaluate
