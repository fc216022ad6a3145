"""`needs_rewrap`: which rows a rotation would touch, as SQL in a query of one's own."""

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, and_, column, func, literal, select, table

from ..keyring.keyring import Keyring
from ..wire import KEY_MAGIC, VERSION, Wrap
from .columns import pair_of

_CURRENT = bytes((KEY_MAGIC, VERSION))
_KEYS = table("key", column("id"), column("state"), schema="envelope")


def needs_rewrap(encrypted: Any, keyring: Keyring) -> ColumnElement[bool]:
    """That a value's data key is wrapped otherwise than `keyring` does now; NULL where there is no value.

    `encrypted`: a column such as `Patient.ssn`, or an alias's. What a rewrap would touch: values of versions
    1 and 2 have to be encrypted anew instead. The tables are read only, and no key is needed:
    `select(func.count()).where(needs_rewrap(Patient.ssn, envelope.keyring))`.
    """
    dek = pair_of(encrypted).dek
    mark, writing = func.substr(dek, 3, 17), keyring.writing
    conditions = [func.substr(dek, 1, 2) == _bytes(_CURRENT)]
    conditions += [mark != _bytes(each) for each in sorted(writing.marks)]
    if writing.active_keys:
        under = _bytes(bytes([Wrap.KEK])).op("||")(func.uuid_send(_KEYS.c.id))
        conditions.append(mark.not_in(select(under).where(_KEYS.c.state != "deactivated")))
    return and_(*conditions)


def _bytes(value: bytes) -> Any:
    return literal(value, LargeBinary())
