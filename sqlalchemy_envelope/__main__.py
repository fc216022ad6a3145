"""The command line: `sqlalchemy-envelope`, or `python -m sqlalchemy_envelope`."""

import sys

NEEDED = ("typer", "rich", "psycopg")


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    try:
        from .cli.app import run  # noqa: PLC0415 - may be missing, which is a sentence and not a traceback
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in NEEDED:
            raise
        print(f"{error.name} is missing: pip install 'sqlalchemy-envelope[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:  # while it is still loading, which no handler of a command's sees
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
