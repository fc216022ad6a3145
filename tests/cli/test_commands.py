"""Every command, on a table with a move begun."""

import json

import pytest

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.cli.exits import Exit

from .conftest import CANARY, KEY, Shell

NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}
TURNED = """
from sqlalchemy_envelope.backfill.rows.sources import CallableSource

source = CallableSource(lambda value: value[::-1])
"""


def test_a_column_is_encrypted_and_verified(shell: Shell) -> None:
    """In one command, a line each, and nothing on stderr where nobody looks on."""
    shell.begin(100)
    done = shell.run("backfill", "customer.email")
    assert (done.code, done.err) == (Exit.DONE, "")
    first, second = done.out.splitlines()
    assert first.startswith("customer.email: 100 rows encrypted in ")
    assert second.startswith("customer.email: 100 rows verified in ")
    assert shell.sql("SELECT count(*) FROM customer WHERE email_encrypted IS NULL") == [(0,)]
    assert shell.sql("SELECT verified_at IS NOT NULL FROM envelope.move") == [(True,)]


def test_done_again_it_finds_nothing(shell: Shell) -> None:
    """And encrypts nothing twice."""
    shell.begin(10)
    shell.run("backfill", "customer.email")
    before = shell.sql("SELECT * FROM customer ORDER BY id")
    done = shell.run("backfill", "customer.email")
    assert done.code == Exit.DONE
    assert done.out.startswith("customer.email: 0 rows encrypted")
    assert "verified" not in done.out
    assert shell.sql("SELECT * FROM customer ORDER BY id") == before


@pytest.mark.parametrize("how", [["--workers", "2"], ["--workers", "2", "--batch", "7", "--target-ms", "1"]])
def test_several_workers_share_a_table(shell: Shell, how: list[str]) -> None:
    """Threads, unless processes are asked for."""
    shell.begin(3000)
    done = shell.run("backfill", "customer.email", "--json", "--max-lag", "0", *how)
    assert done.code == Exit.DONE, done.err
    encrypted, verified = json.loads(done.out)
    assert (encrypted["kind"], encrypted["state"], encrypted["rows_done"]) == ("encrypt", "done", 3000)
    assert (verified["kind"], verified["state"], verified["rows_done"]) == ("verify", "done", 3000)


def test_all_open_jobs_are_done(shell: Shell) -> None:
    """Those that migrations recorded with run='later'."""
    shell.begin(10)
    done = shell.run("backfill", "all", "--no-verify", "--quiet")
    assert done.code == Exit.DONE
    assert done.out.count("\n") == 1
    assert shell.run("backfill", "all").err == "nothing to do: no job is open\n"


def test_status_tells_rows_formats_and_keys_without_keys(shell: Shell) -> None:
    """Half-way, with the open job."""
    shell.begin(10)
    shell.run("backfill", "customer.email", "--no-verify")
    shell.add(11, 13)
    shell.sql("INSERT INTO customer VALUES (14, NULL, 'x')")
    done = shell.run("status", **NO_KEYS)
    assert done.code == Exit.DONE
    row = next(line for line in done.out.splitlines() if line.startswith("customer.email"))
    assert row.split()[1:6] == ["14", "13", "3", "10", "1"]
    assert "v3: 10" in row
    assert "plaintext is the truth" in row


def test_status_is_a_document_too(shell: Shell) -> None:
    """With `--json`; `--check` says by its code whether rows are pending."""
    shell.begin(10)
    done = shell.run("status", "customer.email", "--json", "--check", **NO_KEYS)
    assert done.code == Exit.LEFT
    (column,) = json.loads(done.out)
    assert (column["rows"], column["plain"], column["pending"], column["encrypted"]) == (10, 10, 10, 0)
    assert [each["kind"] for each in column["jobs"]] == ["encrypt"]
    shell.run("backfill", "customer.email")
    done = shell.run("status", "customer.email", "--json", "--check", "--estimate", **NO_KEYS)
    assert done.code == Exit.DONE
    (column,) = json.loads(done.out)
    assert sum(column["keys"].values()) == 10
    assert column["jobs"] == []


def test_without_encrypted_columns_there_is_no_status(shell: Shell) -> None:
    """Nothing to tell is no error; a column that isn't there is."""
    assert shell.run("status", **NO_KEYS).code == Exit.DONE
    assert shell.run("status", "customer.email", **NO_KEYS).code == Exit.USAGE


def test_jobs_are_listed_with_what_was_done(shell: Shell) -> None:
    """History too."""
    assert shell.run("jobs", **NO_KEYS).err == "no jobs\n"
    shell.begin(10)
    shell.run("backfill", "customer.email")
    done = shell.run("jobs", **NO_KEYS)
    assert [line.split()[1:4] for line in done.out.splitlines()[1:]] == [
        ["customer.email", "encrypt", "done"],
        ["customer.email", "verify", "done"],
    ]
    listed = json.loads(shell.run("jobs", "customer.email", "--json", **NO_KEYS).out)
    assert [each["rows_done"] for each in listed] == [10, 10]
    assert {each["column"] for each in listed} == {"email"}


def test_a_paused_job_waits_to_be_resumed(shell: Shell) -> None:
    """By number or by column."""
    shell.begin(10)
    for _ in range(2):
        assert shell.run("pause", "customer.email", **NO_KEYS).out == "job 1 is paused\n"
    (told,) = json.loads(shell.run("pause", "1", "--json", **NO_KEYS).out)
    assert (told["id"], told["state"], told["column"]) == (1, "paused", "email")
    done = shell.run("backfill", "customer.email")
    assert done.code == Exit.STOPPED
    assert "sqlalchemy-envelope resume 1" in done.err
    assert shell.run("resume", "1", **NO_KEYS).out == "job 1 is ready\n"
    assert shell.run("backfill", "--job", "1").code == Exit.DONE
    assert shell.run("pause", "customer.email", **NO_KEYS).code == Exit.USAGE


def test_verify_finds_a_row_that_differs(shell: Shell) -> None:
    """And tells how many, not what."""
    shell.begin(10)
    shell.run("backfill", "customer.email")
    assert shell.run("verify", "customer.email").code == Exit.DONE
    shell.sql("ALTER TABLE customer DISABLE TRIGGER USER")
    shell.sql("UPDATE customer SET email = 'canary-4471-other' WHERE id = 4")
    done = shell.run("verify", "customer.email")
    assert done.code == Exit.LEFT
    assert "1 row wrong" in done.out
    listed = shell.run("jobs", "customer.email", **NO_KEYS)
    assert "job 4, in quarantine: 1 mismatch" in listed.out
    assert json.loads(shell.run("jobs", "4", "--json", **NO_KEYS).out)[0]["causes"] == {"mismatch": 1}


def test_the_way_back_is_a_kind_of_its_own(shell: Shell) -> None:
    """Where the pair is the truth, whoever wants more says what."""
    shell.begin(10, into="email_encrypted")
    shell.run("backfill", "customer.email")
    shell.sql("UPDATE envelope.move SET authority = 'pair'")
    done = shell.run("backfill", "customer.email")
    assert done.code == Exit.USAGE
    assert "--kind null or decrypt" in done.err


@pytest.mark.parametrize("kind", ["decrypt", "null"])
def test_a_job_that_can_not_be_run_is_not_recorded(shell: Shell, kind: str) -> None:
    """Or `backfill all` would fail by it every night."""
    shell.begin(10)
    shell.run("backfill", "customer.email")
    done = shell.run("backfill", "customer.email", "--kind", kind)
    assert done.code == Exit.USAGE
    assert "op.swap_encrypted" in done.err
    assert shell.run("backfill", "all").err == "nothing to do: no job is open\n"


def test_keys_come_from_the_application_too(shell: Shell, tmp_path, monkeypatch) -> None:
    """By `--envelope`, as found from the working directory."""
    source = "from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey\n"
    source += f"def make():\n    return Envelope(DirectKeyring(StaticKey('{KEY}')))\n"
    (tmp_path / "app_keys.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    shell.begin(10)
    done = shell.run("backfill", "customer.email", "--envelope", "app_keys:make", **NO_KEYS)
    assert done.code == Exit.DONE, done.err


def test_purge_asks_before_it_locks_a_table(shell: Shell) -> None:
    """Without a terminal nobody can answer, so it has to be told."""
    shell.begin(10)
    done = shell.run("purge", "customer.email", **NO_KEYS)
    assert done.code == Exit.USAGE
    assert "--yes, or --no-rewrite" in done.err


def test_purge_refuses_while_there_is_plaintext(shell: Shell) -> None:
    """It would purge nothing."""
    shell.begin(10)
    done = shell.run("purge", "customer.email", "--yes", **NO_KEYS)
    assert done.code == Exit.LEFT
    assert "still holds values" in done.err


def test_purge_tells_what_it_did_and_what_nobody_can(shell: Shell) -> None:
    """Place by place."""
    shell.begin(10, into="email_encrypted")
    shell.run("backfill", "customer.email")
    shell.sql("UPDATE envelope.move SET authority = 'pair'")
    shell.sql("DROP TRIGGER IF EXISTS " + shell.sql("SELECT tgname FROM pg_trigger")[0][0] + " ON customer")
    shell.sql("UPDATE customer SET email = NULL")
    done = shell.run("purge", "customer.email", "--no-rewrite", "--json", **NO_KEYS)
    assert done.code == Exit.LEFT
    outcomes = {each["place"]: each["outcome"] for each in json.loads(done.out)}
    assert outcomes["statistics"] == "done"
    assert outcomes["table"] == "needs"
    done = shell.run("purge", "customer.email", "--yes", **NO_KEYS)
    assert "done    table: " in done.out
    assert "cannot  " in done.out


def test_doctor_looks_before_a_move(shell: Shell) -> None:
    """Where none is recorded: what would be in the way, and what to do."""
    shell.sql("CREATE TABLE customer (id int, email text)")
    done = shell.run("doctor", "customer.email", **NO_KEYS)
    assert done.code == Exit.LEFT
    assert done.out.startswith("refusal  customer.email: ")
    shell.sql("ALTER TABLE customer ADD PRIMARY KEY (id)")
    assert shell.run("doctor", "customer.email", **NO_KEYS).code == Exit.DONE


def test_doctor_looks_after_a_move_too(shell: Shell) -> None:
    """A warning is a failure for those who are strict."""
    shell.begin(10)
    assert shell.run("doctor", "customer.email", **NO_KEYS).code == Exit.DONE
    done = shell.run("doctor", "customer.email", "--strict", "--json", **NO_KEYS)
    assert done.code == Exit.LEFT
    pending = next(each for each in json.loads(done.out) if "pending" in each["words"])
    assert pending["severity"] == "warning"
    shell.sql("ALTER TABLE customer DISABLE TRIGGER USER")
    assert shell.run("doctor", "customer.email", **NO_KEYS).code == Exit.LEFT


def test_a_source_is_kept_for_whoever_goes_on(shell: Shell, tmp_path, monkeypatch) -> None:
    """Without it, the next command would take old cells for values, or right ones for wrong."""
    (tmp_path / "turned.py").write_text(TURNED)
    monkeypatch.chdir(tmp_path)
    shell.begin(0)
    shell.sql("INSERT INTO customer SELECT n, reverse(%s || n) FROM generate_series(1, 5) n", CANARY)
    assert shell.run("backfill", "customer.email", "--source", "turned:source").code == Exit.DONE
    assert shell.run("verify", "customer.email").code == Exit.DONE
    shell.sql("INSERT INTO customer SELECT n, reverse(%s || n) FROM generate_series(6, 9) n", CANARY)
    assert shell.run("backfill", "customer.email", "--dry-run").code == Exit.DONE
    assert shell.run("backfill", "customer.email").code == Exit.DONE
    cells = shell.sql("SELECT email_encrypted_dek, email_encrypted FROM customer ORDER BY id")
    opened = Envelope(DirectKeyring(StaticKey(KEY))).open_many(cells, "customer.email")
    assert opened == [f"{CANARY}{n}".encode() for n in range(1, 10)]


def test_a_source_is_of_one_column(shell: Shell) -> None:
    """Not of all jobs that are open."""
    shell.begin(1)
    done = shell.run("backfill", "all", "--source", "sqlalchemy_envelope.backfill:PlainSource")
    assert done.code == Exit.USAGE
    assert "--source" in done.err
