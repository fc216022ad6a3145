"""The options that several commands share."""

from typing import Annotated

import typer

from .url import HINT, VARIABLE

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar=VARIABLE,
        metavar="URL",
        help=f"The database: {HINT}. In the environment nobody else sees its password.",
    ),
]
KeySource = Annotated[
    str | None,
    typer.Option(
        "--envelope",
        metavar="MODULE:ATTRIBUTE",
        help="Your Envelope, or a function that makes one; else KMS_KEY_ARN or SECRETS_ENCRYPTION_KEY.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no asides: the result only.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="On an error, where it happened: no values, no local variables.")
]
Column = Annotated[str, typer.Argument(metavar="TABLE.COLUMN", help="May be SCHEMA.TABLE.COLUMN.")]
JobOrColumn = Annotated[str, typer.Argument(metavar="JOB|TABLE.COLUMN", help="A job's number, or a column.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="So many ranges of the table at once.")]
Processes = Annotated[
    bool, typer.Option("--processes/--threads", help="Workers are processes: for a static key on more cores.")
]
SourcePath = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="MODULE:ATTRIBUTE", help="What reads the old values; else the column as it is."
    ),
]
