"""What a command's exit code says."""

from enum import IntEnum


class Exit(IntEnum):
    """Few, and each asks for something else of whoever runs the command."""

    DONE = 0
    LEFT = 1
    USAGE = 2
    LATER = 3
    STOPPED = 4
    BUSY = 5
    FAULT = 70
    INTERRUPTED = 130


MEANING = {
    Exit.DONE: "done",
    Exit.LEFT: "rows are left, differ or were set aside; doctor refuses; explain finds a fault",
    Exit.USAGE: "an argument, a setting or a permission is wrong: change it",
    Exit.LATER: "the database or the key provider failed: run it again",
    Exit.STOPPED: "paused, or stopped by SIGTERM: run it again to go on",
    Exit.BUSY: "another process does it already",
    Exit.FAULT: "a fault of this program: --debug shows where",
    Exit.INTERRUPTED: "Ctrl-C: run it again to go on",
}

EPILOG = "Exit codes: " + "; ".join(f"{code.value} {words}" for code, words in MEANING.items()) + "."


def worst(codes: "list[Exit]") -> Exit:
    """The one code of several columns or jobs: the highest, so that nothing hides behind a DONE."""
    return max(codes, default=Exit.DONE)
