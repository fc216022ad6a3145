"""Other keys for what is stored: for key-encryption keys, for data keys, for the values themselves."""

from .columns import reencrypt_column, rewrap_column, rotate, rotation_of
from .keks import Rewrapped, rewrap_keks, rotate_kek
from .needs import needs_rewrap
from .retiring import refuse_while_used

__all__ = [
    "Rewrapped",
    "needs_rewrap",
    "reencrypt_column",
    "refuse_while_used",
    "rewrap_column",
    "rewrap_keks",
    "rotate",
    "rotate_kek",
    "rotation_of",
]
