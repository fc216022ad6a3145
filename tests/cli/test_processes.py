"""The command line as a process: signals, a terminal, what is not installed."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from sqlalchemy_envelope.cli.exits import Exit

from ..fixtures.child import comes_true
from .conftest import CANARY, ROOT, Shell

SMALL = ("--batch", "50", "--target-ms", "1", "--max-lag", "0")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, Exit.STOPPED), (signal.SIGINT, Exit.INTERRUPTED)]
)
def test_a_signal_stops_it_after_the_batch_and_it_goes_on(shell: Shell, number: int, code: Exit) -> None:
    """With the place recorded, and the way to go on told."""
    shell.begin(20_000)
    process = shell.start("backfill", "customer.email", *SMALL)
    assert comes_true(lambda: shell.sql("SELECT rows_done > 0 FROM envelope.job") == [(True,)])
    process.send_signal(number)
    done = shell.ended(process)
    assert done.code == code, done.err
    assert "stopping after this batch" in done.err
    assert "backfill --job 1" in done.err
    left = shell.sql("SELECT count(*) FROM customer WHERE email_encrypted IS NULL")[0][0]
    assert 0 < left < 20_000
    assert shell.sql("SELECT state FROM envelope.job") == [("ready",)]
    again = shell.run("backfill", "--job", "1", "--no-verify")
    assert again.code == Exit.DONE
    assert f"{left:,} rows encrypted" in again.out


def test_processes_work_and_stop_too(shell: Shell) -> None:
    """Each makes its own envelope: no key is sent to it."""
    shell.begin(2000)
    process = shell.start("backfill", "customer.email", "--workers", "2", "--processes", "--no-verify")
    done = shell.ended(process)
    assert done.code == Exit.DONE, done.err
    assert "2,000 rows encrypted" in done.out
    assert done.err == ""


def test_a_terminal_sees_a_bar(shell: Shell) -> None:
    """With rows, rate and time left, on stderr; the result is on stdout as ever."""
    shell.begin(3000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sqlalchemy_envelope", "backfill", "customer.email"]
    environment = os.environ | shell.environment | {"TERM": "xterm-256color", "COLUMNS": "120"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=pipe, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(ours)
    shown = seen.decode()
    assert process.returncode == Exit.DONE
    assert "━" in shown
    assert "customer.email encrypt" in shown
    assert "3,000 rows · " in shown
    assert "/s" in shown
    assert "3,000 rows encrypted" in out
    assert "\x1b" not in out
    assert CANARY not in shown + out


def test_a_terminal_is_asked_before_a_table_is_locked(shell: Shell) -> None:
    """And nothing is done when the answer is no."""
    shell.begin(3)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sqlalchemy_envelope", "purge", "customer.email"]
    environment = os.environ | shell.environment
    os.write(ours, b"n\n")
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=theirs, capture_output=True, text=True, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == Exit.STOPPED
    assert "while it is rewritten. Go on? [y/N]" in done.stderr
    assert "nothing was done" in done.stderr
    assert done.stdout == ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""


def test_without_the_extra_it_says_what_to_install() -> None:
    """One line, code 2."""
    script = "import sys\nsys.modules['typer'] = None\nfrom sqlalchemy_envelope.__main__ import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == Exit.USAGE
    assert "pip install 'sqlalchemy-envelope[cli]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_is_no_traceback(shell: Shell) -> None:
    """`sqlalchemy-envelope status | head -0`."""
    shell.begin(10)
    process = shell.start("status", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
