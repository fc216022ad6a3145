"""`index-keys`: what there is, and an index key replaced step by step."""

import base64
import json

from sqlalchemy import create_engine

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, attach
from sqlalchemy_envelope.cli.exits import Exit

from ..blind.table import SSN, Patients, cell
from .conftest import KEY, Shell

NAME = SSN.key


def test_an_index_key_is_replaced_step_by_step(shell: Shell) -> None:
    """Begin, activate, retire: each says what it did, or what is still to wait for."""
    shell.run("keys", "init")
    envelope = Envelope(DirectKeyring(StaticKey(base64.b64decode(KEY)), cache_seconds=0.05))
    engine = attach(create_engine(shell.url), envelope)
    assert shell.run("index-keys", "list").err.startswith("no index key is here")
    assert shell.run("index-keys", "begin", NAME).err.endswith(
        "has no active key: `index-keys list` has them all\n"
    )
    patients = Patients(engine)
    patients.add(envelope, "ada")
    begun = shell.run("index-keys", "begin", NAME)
    assert (begun.code, begun.out.split()[2:]) == (Exit.DONE, ["is", "searched", "by"])
    refused = shell.run("index-keys", "activate", NAME)
    assert (refused.code, "wait for 360" in refused.err) == (Exit.LATER, True)
    active = shell.run("index-keys", "activate", NAME, "--wait", "--after", "0.2", "--json")
    assert [begun.out.split()[1]] == [each["key"] for each in json.loads(active.out)]
    listed = shell.run("index-keys", "list", NAME, "--count").out.splitlines()
    assert listed[0].split() == ["index", "tenant", "key", "cells", "begin", "state", "age", "rows"]
    assert [(line.split()[3], line.split()[-1]) for line in listed[1:]] == [
        ("deactivated", "1"),
        ("active", "0"),
    ]
    held = shell.run("index-keys", "retire", NAME, "--after", "0")
    assert (held.code, "public.patient.ssn_bidx (1)" in held.err) == (Exit.LATER, True)
    patients.refill(envelope)
    patients.connection.close()
    retired = shell.run("index-keys", "retire", NAME, "--after", "0", "--wait")
    assert (retired.code, retired.out.split()[2:]) == (Exit.DONE, ["is", "destroyed"])
    states = [each["state"] for each in json.loads(shell.run("index-keys", "list", "--json", "--count").out)]
    assert states == ["destroyed", "active"]
    assert cell(envelope, "ada")
    assert "index:patient.ssn_bidx" in shell.run("keys", "list").out
    engine.dispose()
