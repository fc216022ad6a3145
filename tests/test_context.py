"""What a value is bound to: canonical, closed, and never guessed."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlalchemy_envelope import (
    ConfigurationError,
    Context,
    DecryptionError,
    DirectKeyring,
    Envelope,
    Failure,
    StaticKey,
)
from sqlalchemy_envelope.context import encode_context

from .vectors import generate, reference

NAMES = st.dictionaries(
    st.sampled_from(["table", "column", "key", "tenant", "row"]), st.binary(min_size=1, max_size=40)
)
ENVELOPE = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))


@given(NAMES, NAMES)
def test_two_contexts_share_their_bytes_only_if_they_are_the_same(one, other):
    """The encoding is injective, and no context begins another."""
    first, second = encode_context(one), encode_context(other)
    assert (first == second) == (one == other)
    if one != other:
        assert not first.startswith(second)


@given(NAMES)
def test_the_order_of_names_does_not_matter(names):
    """Names are sorted bytewise."""
    assert encode_context(dict(reversed(names.items()))) == encode_context(names)


def test_a_context_encodes_what_its_fields_say():
    """Both of its contexts are those of the vectors, `key` by its default."""
    published = {vector["name"]: vector for vector in generate.read("known-answers.json")}
    for suffix, tenant, flags in (("", None, 0x01), ("-tenant", "acme", 0x11)):
        context = Context("patient", "ssn", tenant=tenant)
        assert context.content.hex() == published[f"context/content{suffix}"]["encoded"]
        assert context.wrap.hex() == published[f"context/wrap{suffix}"]["encoded"]
        assert context.flags == flags


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.none() | st.text(min_size=1))
def test_any_names_are_taken_as_they_are(table, column, key, tenant):
    """Without Unicode normalisation, as UTF-8."""
    context = Context(table, column, key, tenant)
    place = {"table": table, "column": column, "key": key} | ({} if tenant is None else {"tenant": tenant})
    assert context.content == reference.content_context(place)
    assert context.wrap == reference.encode(context.wrap_names)
    assert context.wrap_names == reference.wrap_names(place)


@pytest.mark.parametrize(
    "names",
    [
        {"table": "", "column": "ssn"},
        {"table": "patient", "column": ""},
        {"table": "patient", "column": "ssn", "tenant": ""},
        {"table": "t" * 65_536, "column": "ssn"},
        {"table": "patient", "column": 5},
        {"table": None, "column": "ssn"},
        {"table": "patient", "column": "ssn", "key": b"dek"},
        {"table": "patient", "column": "ssn", "tenant": 7},
        {"table": "\ud800", "column": "ssn"},
    ],
)
def test_a_context_without_canonical_bytes_is_refused_at_declaration(names):
    """Empty, too long, not text, or not encodable: a configuration error that hides nothing behind it."""
    with pytest.raises(ConfigurationError) as caught:
        Context(**names)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("place", ["", "ssn", ".ssn", "patient.", 5, None])
def test_a_place_that_is_not_table_and_column_is_refused(place):
    """`"table.column"`, both parts there."""
    with pytest.raises(ConfigurationError):
        Context.of(place)


def test_the_last_dot_parts_table_from_column():
    """So a schema may stand in the logical table."""
    assert Context.of("clinic.patient.ssn") == Context("clinic.patient", "ssn")
    assert Context.of("patient.ssn").place == "patient.ssn"


def test_a_tenant_is_bound_in_both_cells_and_flagged():
    """A reader that expects no tenant, or another, is told apart: it never tries both ways."""
    acme = Context("patient", "ssn", tenant="acme")
    (cells,) = ENVELOPE.seal_many(["123-45-6789"], acme)
    assert cells[1] is not None
    assert cells[1][2] == 0x11
    assert ENVELOPE.open_many([cells], acme) == [b"123-45-6789"]
    for other, failure in (
        (Context("patient", "ssn"), Failure.FLAGS),
        (Context("patient", "ssn", tenant="rival"), Failure.UNWRAP),
    ):
        with pytest.raises(DecryptionError) as caught:
            ENVELOPE.open_many([cells], other)
        assert caught.value.failure is failure
    with pytest.raises(DecryptionError, match="flags"):
        ENVELOPE.open_many(ENVELOPE.seal_many(["x"], "patient.ssn"), acme)


def test_a_context_travels_whole():
    """Copies and pickles are equal and hold the same bytes: it has no secret."""
    context = Context("patient", "ssn", tenant="acme")
    for other in (copy.deepcopy(context), pickle.loads(pickle.dumps(context))):
        assert other == context
        assert hash(other) == hash(context)
        assert (other.content, other.wrap, other.flags) == (context.content, context.wrap, context.flags)
