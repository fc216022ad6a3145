"""Where a statement is executed: what its engine carries, and the tenant that it runs for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..attachment import Attachment


class Site(NamedTuple):
    """An attachment, the connection, and the execution options of statement, connection and engine."""

    attachment: Attachment
    connection: Any
    options: Mapping[str, Any]
