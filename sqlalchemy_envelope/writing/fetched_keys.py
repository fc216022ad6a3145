"""Keys that the database makes, fetched ahead of the rows that they are for: one round trip a statement."""

from typing import Any

from sqlalchemy import Column, func, literal, literal_column, select, type_coerce
from sqlalchemy.sql.elements import TextClause

from .site import Site

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def fetched(column: Column[Any], count: int, site: Site) -> list[Any]:
    """That many values of a column's sequence or SQL default; None for each where it has neither."""
    made = _expression(column, site)
    if made is None:
        return [None] * count
    numbers = func.generate_series(1, count).table_valued("n")
    query = select(type_coerce(made, column.type)).select_from(numbers)
    names = ("schema_translate_map",)
    options = {name: site.options[name] for name in names if name in site.options}
    return list(site.connection.execute(query, execution_options=options).scalars())


def _expression(column: Column[Any], site: Site) -> Any:
    default: Any = column.default
    if default is not None:
        if default.is_sequence:
            return default.next_value()
        return default.arg if default.is_clause_element else None
    arg = getattr(column.server_default, "arg", None)
    if isinstance(arg, TextClause):
        return literal_column(arg.text)
    if arg is not None:
        return literal(arg) if isinstance(arg, str) else arg
    if column.identity is not None or column.table._autoincrement_column is column:
        return func.nextval(func.pg_get_serial_sequence(_name(column, site), column.name))
    return None


def _name(column: Column[Any], site: Site) -> str:
    """The table's name as SQL, in the schema that the statement finds it in."""
    table: Any = column.table
    schema = (site.options.get("schema_translate_map") or {}).get(table.schema, table.schema)
    quote = site.connection.dialect.identifier_preparer.quote
    return ".".join(quote(each) for each in (schema, table.name) if each)
