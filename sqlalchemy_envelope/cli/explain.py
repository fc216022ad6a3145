"""`explain`: the chain of custody of one value, from its cell to the key that everything hangs on."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from ..backfill.status.cells import SUITES, KeyFacts
from ..backfill.status.explain import Chain, explain
from ..backfill.status.kekfacts import Custodian, KekFacts
from ..keyring.store import MAX_WRAPS
from ..settings import ARN, PREVIOUS_ARNS
from .exits import Exit
from .figures import count, duration, moment
from .options import AsJson, Column, Debug, Url
from .redaction import one_line
from .target import Place
from .terminal import Terminal
from .url import database_of

STYLES = {"active": "green", "deactivated": "", "revoked": "yellow", "destroyed": "bold red"}

Words = Annotated[
    list[str],
    typer.Argument(metavar="KEY...", help="The row's primary key; of several columns, in their order."),
]


def explain_value(
    column: Column, key: Words, url: Url = None, as_json: AsJson = False, debug: Debug = False
) -> Exit:
    """One value's chain of keys, and what is wrong with it.

    Formats, sizes, key ids, states and ages. By SQL alone: needs no keys, and reads neither the value nor a
    key.
    """
    terminal, place = Terminal(as_json=as_json), Place.parse(column)
    names = {each.strip() for name in (ARN, PREVIOUS_ARNS) for each in os.environ.get(name, "").split(",")}
    with closing(database_of(url).connect("explain")) as connection:
        chain = explain(connection, (place.schema, place.table, place.column), key, names)
    if as_json:
        terminal.document(asdict(chain))
    else:
        terminal.tree(_tree(chain))
    return Exit.LEFT if chain.findings else Exit.DONE


def _tree(chain: Chain) -> Tree:
    key = ", ".join(f"{name} {value}" for name, value in chain.key.items())
    place = f"{chain.table}.{chain.column}"
    place = place if chain.schema == "public" else f"{chain.schema}.{place}"
    tree = Tree(_text(f"{place}, {key}", "bold"))
    for words in _about(chain):
        tree.add(_text(words))
    if chain.dek is not None:
        _add_keys(tree.add(_text(_data_key(chain.dek))), chain)
    for finding in chain.findings:
        tree.add(_text(finding, "bold red"))
    return tree


def _about(chain: Chain) -> Iterator[str]:
    """The value itself, and what its table says of it."""
    if chain.empty:
        yield "NULL: no value and no data key"
    if chain.content is not None:
        yield _content(chain.content)
    if chain.plaintext:
        yield f"a plaintext is there too; the {chain.authority} is the truth"
    if not chain.guarded:
        yield "no CHECK guards the pair"


def _content(content: Any) -> str:
    words = [f"value: version {content.version}"]
    if content.suite is not None:
        bindings = ["tenant"] * content.tenant_bound + ["row"] * content.row_bound
        words += [f"suite {content.suite} ({SUITES[content.suite]})"]
        words += [f"bound to {', '.join(['table', 'column', *bindings])}"]
    else:
        words += ["bound to nothing"]
    return ", ".join([*words, f"{count(content.value)} bytes in {count(content.stored)}"])


def _data_key(key: KeyFacts) -> str:
    wrapped = {"kek": "a key-encryption key", "aws-kms": "AWS KMS", "static": "a static key"}[key.wrap]
    stored = f", {count(key.stored)} bytes" if key.stored else ""
    return (
        f"data key: wrapped by {wrapped}{stored}"
        if key.version != 1
        else "no data key: the static key itself"
    )


def _add_keys(tree: Tree, chain: Chain) -> None:
    key = chain.dek
    if chain.kek is not None:
        _add_kek(tree, chain.kek)
    elif chain.provider is not None:
        tree.add(_text(chain.provider))
    elif key is not None and key.key_id is not None:
        tree.add(_text(f"key id {key.key_id}"))
    elif key is not None and key.version == 2:
        tree.add(_text("which KMS key, only its KMS can tell"))


def _add_kek(tree: Tree, kek: KekFacts) -> None:
    tenant = "no tenant" if kek.tenant is None else f"tenant {kek.tenant}"
    used = f"{count(kek.wraps)} of {count(MAX_WRAPS)} wraps reserved"
    words = f"key-encryption key {kek.id}: {kek.state}, {tenant}, {duration(kek.age)} old, {used}"
    branch = tree.add(_text(words, STYLES[kek.state]))
    for name, when in _times(kek):
        branch.add(_text(f"{name} {when}"))
    if kek.receipt:
        branch.add(_text(f"receipt: {kek.receipt}"))
    for each in kek.custodians:
        branch.add(_text(_custodian(each)))
    if not kek.custodians:
        branch.add(_text("nobody holds it: its wrapped bytes are gone"))


def _times(kek: KekFacts) -> Iterator[tuple[str, str]]:
    for name in ("created", "rewrapped", "deactivated", "revoked", "destroyed"):
        when = getattr(kek, f"{name}_at")
        if when is not None:
            yield name, f"{moment(when)} UTC"


def _custodian(each: Custodian) -> str:
    kind = {"aws-kms": "AWS KMS", "static": "static key"}.get(each.wrap or "", "unknown")
    return f"wrapped by {each.name} ({kind}), {count(each.stored)} bytes"


def _text(words: str, style: str = "") -> Text:
    return Text(one_line(words), style)
