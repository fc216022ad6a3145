"""The shapes, a file a family; importing this package fills the catalogue, in the order of the document."""

from . import (  # noqa: F401, I001
    declarations,
    orm_writes,
    objects,
    orm_loading,
    entities,
    selects,
    joins,
    functions,
    expressions,
    arrays,
    comparisons,
    sets,
    textual,
    fragments,
    core_writes,
    executions,
    upserts,
    conflicts,
    updates,
    other,
)
