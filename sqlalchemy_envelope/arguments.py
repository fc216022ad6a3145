"""The arguments of an encrypted type, checked where it is made."""

from collections.abc import Sequence

from .blind import BlindIndex
from .context import Context
from .errors import ConfigurationError
from .legacy import Version
from .moving import Moving
from .padding import Padding
from .tenancy import Tenancy


def check_arguments(
    dek: object, context: Context | None, accept: object, moving: object, tenant: object, pad: object
) -> None:
    """That each is of its kind, and that they fit together. Raises `ConfigurationError`."""
    if accept is not None and not isinstance(accept, Version):
        raise ConfigurationError("accept= takes Version.V1 or Version.V2")
    if dek is not None and not (isinstance(dek, str) and dek):
        raise ConfigurationError("dek= takes the name of a column")
    if moving is not None and not isinstance(moving, Moving):
        raise ConfigurationError("moving= takes ReadsPlaintext, ReadsEncrypted or EncryptedOnly")
    if moving is not None and accept is not None:
        raise ConfigurationError("moving= and accept= exclude each other: plaintext has no version")
    if pad is not None and not isinstance(pad, Padding):
        raise ConfigurationError("pad= takes Padding(multiple=...) or Padding(least=...)")
    if tenant is None:
        return
    if tenant is not Tenancy.CONTEXT and not (isinstance(tenant, str) and tenant):
        raise ConfigurationError("tenant= takes the name of a column of the table, or TENANT")
    if context is not None and context.tenant is not None:
        raise ConfigurationError(
            f"{context.place}: its context pins one tenant, so that tenant= can't name others"
        )


def check_bind_row(bind_row: object, context: Context | None) -> None:
    """That it is a flag, and set where the context binds rows. Raises `ConfigurationError`."""
    if not isinstance(bind_row, bool):
        raise ConfigurationError("bind_row= takes True or False")
    if context is not None and context.bind_row and not bind_row:
        raise ConfigurationError(f"{context.place}: its context binds rows, and so must bind_row=True")


def indexes_of(given: BlindIndex | Sequence[BlindIndex] | None) -> tuple[BlindIndex, ...] | None:
    """The indexes that `index=` takes, one or several; None for none. Raises `ConfigurationError`."""
    if given is None:
        return None
    several = (given,) if isinstance(given, BlindIndex) else tuple(given)
    if not all(isinstance(each, BlindIndex) for each in several):
        raise ConfigurationError("index= takes a BlindIndex, or several of them")
    if sum(each.name is None for each in several) > 1:
        raise ConfigurationError("index= has two BlindIndex without a name: give one of them name=")
    return several or None
