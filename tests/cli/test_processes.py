"""The command line as a process: signals, a terminal, what is not installed."""

import os
import pty
import signal
import subprocess
import sys
import time

import psycopg
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


def test_processes_work_too(shell: Shell) -> None:
    """Each makes its own envelope: no key is sent to it."""
    shell.begin(2000)
    process = shell.start("backfill", "customer.email", "--workers", "2", "--processes", "--no-verify")
    done = shell.ended(process)
    assert done.code == Exit.DONE, done.err
    assert "2,000 rows encrypted" in done.out
    assert done.err == ""


def test_processes_end_with_the_one_that_was_killed(shell: Shell) -> None:
    """None is left that holds keys and waits for work; the job goes on when it is run again."""
    shell.begin(20_000)
    process = shell.start("backfill", "customer.email", "--workers", "2", "--processes", *SMALL)
    assert comes_true(lambda: shell.sql("SELECT rows_done > 0 FROM envelope.job") == [(True,)])
    process.kill()
    process.communicate(timeout=15)  # which lasts until the last of them has closed its standard output
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sqlalchemy-envelope%'"
    assert comes_true(lambda: shell.sql(sessions) == [(0,)])
    assert shell.run("backfill", "--job", "1").code == Exit.DONE
    assert shell.sql("SELECT count(*) FROM customer WHERE email_encrypted IS NULL") == [(0,)]


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


def test_a_signal_ends_any_other_command_tidily(shell: Shell) -> None:
    """Here a purge that waits for somebody's transaction: what it set for its time is set back."""
    shell.begin(3, into="email_encrypted")
    shell.sql("ALTER TABLE customer DISABLE TRIGGER USER")
    shell.sql("UPDATE customer SET email = NULL")
    with psycopg.connect(shell.connection.info.dsn) as somebody:
        somebody.execute("SELECT pg_current_xact_id()")
        process = shell.start("purge", "customer.email", "--yes")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlalchemy-envelope purge'"
        assert comes_true(lambda: shell.sql(waiting) == [(1,)])
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        done = shell.ended(process)
    assert done.code == Exit.STOPPED
    assert "Traceback" not in done.err


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


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_no_traceback_shows_a_local_variable(shell: Shell, debug: list[str]) -> None:
    """typer's and rich's would, which are switched off."""
    script = (
        "import sys\n"
        "from sqlalchemy_envelope import __main__\n"
        "from sqlalchemy_envelope.cli import status\n"
        "def broken(connection, *, exact):\n"
        "    plaintext = 'canary' + '-4471'\n"
        "    raise LookupError(plaintext)\n"
        "status.columns = broken\n"
        f"sys.argv[1:] = {['status', *debug]}\n"
        "__main__.main()"
    )
    environment = os.environ | shell.environment
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.FAULT
    assert "unexpected LookupError" in done.stderr
    assert ("in broken" in done.stderr) is bool(debug)
    assert CANARY not in done.stdout + done.stderr


def test_a_reader_that_leaves_is_no_traceback(shell: Shell) -> None:
    """`sqlalchemy-envelope status | head -0`."""
    shell.begin(10)
    process = shell.start("status", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
