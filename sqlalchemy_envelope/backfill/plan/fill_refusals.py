"""What of an index can't be filled, said before anything is done, each with table, column and remedy."""

from ...errors import ConfigurationError
from ..postgres.relation import Relation
from ..subject.fill import Fill


def check_filled(relation: Relation, fill: Fill) -> None:
    """That the rows can be visited, and that the pairs are there. Raises `ConfigurationError`."""
    place, table = fill.place, fill.table
    if relation.kind not in "rp" or any(leaf.kind != "r" for leaf in relation.leaves):
        raise ConfigurationError(f"{place}: {table} is no table of this database; index where its rows are")
    if relation.hides_rows:
        raise ConfigurationError(
            f"{place}: row security hides rows of {table} from this role; connect as one with BYPASSRLS"
        )
    if relation.parent is not None or relation.inherited:
        raise ConfigurationError(
            f"{place}: {table} is a part of another table, or has parts; index the whole"
        )
    if relation.key is None:
        raise ConfigurationError(
            f"{place}: {table} has no key to go by; add a primary key, or a unique index over columns that"
            " are NOT NULL and not the digest"
        )
    for name in [cell for part in fill.parts for cell in (part.content, part.dek)]:
        _check_bytes(relation, fill, name)
    if fill.tenant is not None and fill.tenant not in relation.columns:
        raise ConfigurationError(
            f"{place}: {table} has no column {fill.tenant}; name the tenant's by tenant="
        )


def check_fill(relation: Relation, fill: Fill) -> None:
    """The same, with the index's own column. Raises `ConfigurationError`."""
    check_filled(relation, fill)
    _check_bytes(relation, fill, fill.column)


def _check_bytes(relation: Relation, fill: Fill, name: str) -> None:
    found = relation.columns.get(name)
    if found is None or found.base != "bytea":
        what = "is not there" if found is None else f"is {found.type}"
        raise ConfigurationError(
            f"{fill.place}: {name} {what}; it must be bytea: name the pair as the model does (dek=), and add"
            " the index first (op.add_blind_index)"
        )
