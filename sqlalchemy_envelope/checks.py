"""The CHECK constraint of a pair: both cells NULL, or both an envelope by magic, version and length.

It keeps a stray writer from storing plaintext, half a pair, or a pair with its boundary moved.
"""

from . import wire
from .legacy import MIN_SEALED_BYTES, V2_HEAD, Version


def check_sql(column: str, dek: str, accept: Version | None) -> str:
    """The constraint's text for a column and its sibling, both named physically."""
    content, key = _quoted(column), _quoted(dek)
    allowed = [f"{content} IS NULL AND {key} IS NULL", _envelope(content, key)]
    if accept is Version.V1:
        allowed.append(f"{key} IS NULL AND octet_length({content}) >= {MIN_SEALED_BYTES}")
    if accept is Version.V2:
        allowed += _version_2(content, key)
    return " OR ".join(f"({each})" for each in allowed)


def _envelope(content: str, key: str) -> str:
    """A key cell of just its stated length, and a content of at least the least length."""
    return (
        f"{content} IS NOT NULL AND {key} IS NOT NULL"
        f" AND {_starts(content, wire.CONTENT_MAGIC, wire.VERSION)} AND octet_length({content}) >= {wire.MIN_CONTENT_BYTES}"
        f" AND {_starts(key, wire.KEY_MAGIC, wire.VERSION)} AND {_stated_length(key, wire.KEY_HEAD_BYTES)}"
        f" AND octet_length({key}) <= {wire.KEY_HEAD_BYTES + wire.MAX_WRAPPED_BYTES}"
    )


def _version_2(content: str, key: str) -> list[str]:
    whole = V2_HEAD + 1 + MIN_SEALED_BYTES
    return [
        f"{key} IS NULL AND {_starts(content, 2)} AND octet_length({content}) >= {whole}",
        f"{content} IS NOT NULL AND {key} IS NOT NULL AND {_starts(key, 2)} AND {_stated_length(key, V2_HEAD)}"
        f" AND octet_length({content}) >= {MIN_SEALED_BYTES}",
    ]


def _starts(cell: str, *first: int) -> str:
    return f"substr({cell}, 1, {len(first)}) = '\\x{bytes(first).hex()}'::bytea"


def _stated_length(cell: str, head: int) -> str:
    """Whether the two bytes before `head` state the length of what follows it."""
    stated = f"get_byte({cell}, {head - 2}) * 256 + get_byte({cell}, {head - 1})"
    return f"CASE WHEN octet_length({cell}) > {head} THEN octet_length({cell}) = {head} + {stated} ELSE false END"


def _quoted(name: str) -> str:
    """A quoted identifier, safe in SQLAlchemy's text(), which reads :name as a parameter."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'
