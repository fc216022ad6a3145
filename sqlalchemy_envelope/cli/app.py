"""The commands, and the one place that turns an error into a line and an exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.main import get_command

from .backfill import backfill, verify
from .doctor import doctor
from .exits import EPILOG, Exit
from .explain import explain_value
from .failures import told
from .filling import fill_indexes
from .indexkeys import activate_index, begin_index, list_index_keys, retire_index
from .jobs import list_jobs, pause_job, resume_job
from .keylife import reinstate_key, retire_key, revoke_key, shred_keys
from .keylist import export_public_facts, init_keys, list_keys, list_receipts
from .keyturn import create_key, rotate_keys
from .purge import purge
from .rekeying import reencrypt_values, rewrap_keys
from .status import status
from .steps import step
from .stopping import terminable

NAME = "sqlalchemy-envelope"

app = typer.Typer(
    name=NAME,
    help="Encrypted columns of a PostgreSQL: how far they are, and moving existing data over.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
)


COMMANDS: dict[str, Callable[..., Exit]] = {
    "status": status,
    "explain": explain_value,
    "backfill": backfill,
    "verify": verify,
    "step": step,
    "purge": purge,
    "doctor": doctor,
    "jobs": list_jobs,
    "pause": pause_job,
    "resume": resume_job,
}

KEYS: dict[str, Callable[..., Exit]] = {
    "init": init_keys,
    "list": list_keys,
    "create": create_key,
    "rotate": rotate_keys,
    "rewrap": rewrap_keys,
    "reencrypt": reencrypt_values,
    "revoke": revoke_key,
    "reinstate": reinstate_key,
    "retire": retire_key,
    "shred": shred_keys,
    "receipts": list_receipts,
    "export-public-facts": export_public_facts,
}
"""Those of `keys`."""

INDEX_KEYS: dict[str, Callable[..., Exit]] = {
    "list": list_index_keys,
    "begin": begin_index,
    "activate": activate_index,
    "fill": fill_indexes,
    "retire": retire_index,
}
"""Those of `index-keys`."""

keys = typer.Typer(
    help="Key-encryption keys: what there is, and each step of their life.",
    epilog=EPILOG,
    rich_markup_mode=None,
)

index_keys = typer.Typer(
    help="Keys of blind indexes: what there is, and replacing one while the application runs.",
    epilog=EPILOG,
    rich_markup_mode=None,
)

for name, command in COMMANDS.items():
    app.command(name, epilog=EPILOG)(command)
for name, command in KEYS.items():
    keys.command(name, epilog=EPILOG)(command)
for name, command in INDEX_KEYS.items():
    index_keys.command(name, epilog=EPILOG)(command)
app.add_typer(keys, name="keys")
app.add_typer(index_keys, name="index-keys")


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code, whatever happened."""
    try:
        with terminable():
            bare = list(arguments) in ([], ["keys"], ["index-keys"])
            ended = _ended([*arguments, "--help"] if bare else list(arguments))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - shown below, without what it might hold
        failed = told(error, debug="--debug" in arguments)
        sys.stderr.write(f"{NAME}: {failed.words}\n")
        return failed.code
    return ended


def _ended(arguments: list[str]) -> int:
    try:
        result: Any = get_command(app).main(arguments, prog_name=NAME, standalone_mode=False)
    except typer.Abort:
        return Exit.INTERRUPTED
    return Exit.DONE if result is None else int(result)
