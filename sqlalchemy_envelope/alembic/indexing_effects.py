"""What the operations on blind indexes do, online; or in `--sql` mode what needs no keys, as a script."""

from alembic.operations import Operations

from ..backfill.ddl import fill_ddl
from ..backfill.moving import indexing
from ..backfill.record import fills
from ..backfill.subject.kind import Kind
from .effects import keys
from .indexing import AddBlindIndexOp, BlindIndexOperation, DropBlindIndexOp
from .indexing_script import added, command
from .outside import outside, refuse_impossible


@Operations.implementation_for(BlindIndexOperation)
def perform_on_index(operations: Operations, operation: BlindIndexOperation) -> None:
    """Do it, or in `--sql` mode write down what needs no keys and say what does."""
    context = operations.migration_context
    refuse_impossible(context, f"op.{operation.name}")
    if context.as_sql:
        with context.autocommit_block():
            for line in script_of(operation):
                context.impl.static_output(line if line.startswith("--") else f"{line};")
        return
    fill = operation.plan(context.dialect.default_schema_name or "public")
    with outside(context) as database:
        if isinstance(operation, DropBlindIndexOp):
            indexing.drop_index(database, fill)
            return
        indexing.add_index(database, fill)
        if isinstance(operation, AddBlindIndexOp) and operation.later:
            with database.asked("index") as connection:
                fills.record_job(connection, indexing.look(database, fill).fill, Kind.INDEX)
            return
        indexing.fill_index(database, fill, keys(context))


def script_of(operation: BlindIndexOperation) -> list[str]:
    """The lines of `--sql` mode; those that are no comment are statements that may run again."""
    fill = operation.plan("public")
    head = f"-- {operation.name} {fill.schema}.{fill.place}"
    if isinstance(operation, DropBlindIndexOp):
        return [head, *fill_ddl.drop_column(fill), *(each.rstrip(";") for each in fills.forget_sql(fill))]
    return [head, *added(fill), fills.record_job_sql(fill), f"-- needs keys: {command(fill)}"]
