"""Text that came from outside, fit to be shown: one line, no password of a URL, no control character."""

import re

_PASSWORD = re.compile(r"(\w[\w+.-]*://[^\s:/@]*):[^\s/]*@")
_OPTION = re.compile(r"(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)
LONGEST = 300


def one_line(words: str) -> str:
    """The words with every run of white space a blank, without what a terminal would obey."""
    plain = " ".join(words.split())
    return "".join(each if each.isprintable() else "?" for each in plain)


def redacted(words: str) -> str:
    """One line of at most 300 characters, in which a URL's or a DSN's password is three stars."""
    hidden = _OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", one_line(words)))
    return hidden if len(hidden) <= LONGEST else f"{hidden[:LONGEST]}..."
