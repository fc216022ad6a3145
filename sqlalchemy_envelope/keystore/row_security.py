"""Row-level security while rows are counted: an error rather than a count that lacks some."""

from sqlalchemy import Connection

from ..errors import ConfigurationError


def every_row_or_an_error(connection: Connection) -> str:
    """Switches `row_security` off in the connection's transaction, and returns what it was.

    Raises `ConfigurationError` where there is no transaction: in autocommit mode the next statement would
    not know of it.
    """
    before = connection.exec_driver_sql("SELECT current_setting('row_security')").scalar()
    connection.exec_driver_sql("SET LOCAL row_security = off")
    if connection.exec_driver_sql("SELECT current_setting('row_security')").scalar() != "off":
        raise ConfigurationError("rows under a key are counted in a transaction: not in autocommit mode")
    return str(before)
