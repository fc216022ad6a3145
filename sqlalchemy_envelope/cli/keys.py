"""Where the keys come from: the environment, or the application's own envelope."""

from dataclasses import dataclass

from ..envelope import Envelope
from ..errors import ConfigurationError
from .loading import loaded


@dataclass(frozen=True)
class Keys:
    """Makes the envelope when called, and no sooner: a command that needs no key asks for none.

    Goes to worker processes as it is, by name: no key is pickled.
    """

    named: str | None = None

    def __call__(self) -> Envelope:
        """From the object that is named, an `Envelope` or a function that makes one; else from_env()."""
        if self.named is None:
            return Envelope.from_env()
        found = loaded(self.named, "--envelope")
        envelope = found() if callable(found) else found
        if not isinstance(envelope, Envelope):
            raise ConfigurationError(f"--envelope {self.named}: no Envelope, nor a function that makes one")
        return envelope
