"""Asking before something that others notice is done."""

import sys

from ..errors import ConfigurationError


def agreed(consequence: str, instead: str) -> bool:
    """Whether whoever is at the terminal says yes. Without one, `ConfigurationError` with what to give."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{consequence}: {instead}")
    sys.stderr.write(f"{consequence}. Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
