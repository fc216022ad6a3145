"""What an index keeps of a text: the whole of it folded, or a part.

Each is named in the index's context (docs/wire-format.md, section 9), so that its name and what it does are
there for good. Applied to a value's own result each gives that result again: a search for the last four
digits gives just those.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ConfigurationError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

MAX_CHARACTERS = 255
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The 25 characters of Unicode's property White_Space (PropList.txt): str.strip() alone takes four more."""
_TO_LOWER = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True, repr=False)
class Expression:
    """A step from a text to what is indexed; `name` is part of what the index's key is derived from."""

    name: str
    apply: Callable[[str], str] = field(compare=False, repr=False)
    written: str = field(compare=False, repr=False)

    def __repr__(self) -> str:
        return self.written

    def __reduce__(self) -> tuple[object, ...]:
        return named, (self.name,)


def last(characters: int) -> Expression:
    """The last Unicode code points of a text, 1 to 255: all of a shorter one."""
    _check("last", characters)
    return Expression(f"last({characters})", lambda text: text[-characters:], f"last({characters})")


def first(characters: int) -> Expression:
    """The first Unicode code points of a text, 1 to 255: all of a shorter one."""
    _check("first", characters)
    return Expression(f"first({characters})", lambda text: text[:characters], f"first({characters})")


def _domain(text: str) -> str:
    return text.rpartition("@")[2].translate(_TO_LOWER)


CASEFOLD = Expression("casefold", str.casefold, "CASEFOLD")
"""Without regard to case: full case folding (Unicode, section 3.13), so that ß is ss."""
TRIM = Expression("trim", lambda text: text.strip(_WHITE_SPACE), "TRIM")
"""Without white space at either end: the characters of Unicode's property White_Space."""
NFKC = Expression("nfkc", lambda text: unicodedata.normalize("NFKC", text), "NFKC")
"""Without regard to how characters are composed, or to their compatible forms (UAX #15). Before CASEFOLD."""
EMAIL_DOMAIN = Expression("email-domain", _domain, "EMAIL_DOMAIN")
"""What follows the last @, with A to Z made small: all of a text without one."""

_NUMBER = re.compile(r"[1-9][0-9]{0,2}\)")
_FIXED = {each.name: each for each in (CASEFOLD, TRIM, NFKC, EMAIL_DOMAIN)}


def named(name: str) -> Expression:
    """The expression of a name. Raises `ConfigurationError` for one that there is not."""
    if name in _FIXED:
        return _FIXED[name]
    for each in (last, first):
        start, _, number = name.partition("(")
        if start == each.__name__ and _NUMBER.fullmatch(number):
            return each(int(number[:-1]))
    raise ConfigurationError(f"there is no index expression {name!r}")


def _check(what: str, characters: object) -> None:
    if type(characters) is not int or not 1 <= characters <= MAX_CHARACTERS:
        raise ConfigurationError(f"{what}() takes 1 to {MAX_CHARACTERS} characters")
