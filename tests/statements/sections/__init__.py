"""The shapes, a file a family; importing this package fills the catalogue, in the order of the document."""

from . import (  # noqa: F401, I001
    declarations,
    orm_writes,
    orm_loading,
    selects,
    functions,
    comparisons,
    sets,
    textual,
    core_writes,
    upserts,
    updates,
    other,
)
