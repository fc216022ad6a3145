"""An object of the user's own, named `module:attribute`, as found from the working directory too."""

import importlib
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, EnvelopeError


def loaded(named: str, option: str) -> Any:
    """The object. Raises `ConfigurationError`, naming the option, where there is none."""
    module, colon, attribute = named.partition(":")
    if not (module and colon and attribute):
        raise ConfigurationError(f"{option} is module:attribute, as in application.keys:envelope")
    reachable()
    try:
        return reduce(getattr, attribute.split("."), importlib.import_module(module))
    except EnvelopeError:
        raise
    except Exception as error:
        reason = type(error).__name__  # its text is the application's, and may hold anything
        raise ConfigurationError(f"{option} {named}: importing it raised {reason}") from error


def reachable() -> None:
    """Lets modules of the working directory be imported, as `python -m` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
