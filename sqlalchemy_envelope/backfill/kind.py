"""What a job is for."""

from enum import StrEnum


class Kind(StrEnum):
    """What a job is for. `null` sets a kept plaintext to NULL where the pair is there.

    The last two are of a rotation: data keys wrapped anew, and values sealed anew.
    """

    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    VERIFY = "verify"
    NULL = "null"
    REWRAP = "rewrap"
    REENCRYPT = "reencrypt"
