"""What a job is for."""

from enum import StrEnum


class Kind(StrEnum):
    """What a job is for. `null` sets a kept plaintext to NULL where the pair is there.

    `rewrap` and `reencrypt` are of a rotation: data keys wrapped anew, and values sealed anew. `index` is of
    a blind index, whose digests it makes.
    """

    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    VERIFY = "verify"
    NULL = "null"
    REWRAP = "rewrap"
    REENCRYPT = "reencrypt"
    INDEX = "index"
