"""Secrets at rest: what opens, and above all what does not (SEC-30..32, SEC-37)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.secrets.encoder import ROUNDS, Encoder, bound
from pipeline.secrets.errors import NoKey, NotStored, SecretError, Unopened
from pipeline.secrets.stored import is_stored, read

QUICK = 1_000
ABOUT = ("cluster-b", "link-1", "sasl.jaas.config")
TEXTS = st.text(max_size=200)
ENCODER = Encoder(lambda: "the key", iterations=QUICK)
STORED = ENCODER.seal("hunter2", ABOUT)


@given(TEXTS)
def test_what_is_sealed_opens_and_does_not_show(text: str) -> None:
    stored = ENCODER.seal(text, ABOUT)
    opened = ENCODER.open(stored, ABOUT)
    assert (opened.text, opened.is_current) == (text, True)
    assert is_stored(stored)
    assert repr(opened) == "Opened(is_current=True)"
    assert repr(read(stored)).endswith(f"nonce={read(stored).nonce!r})")


def test_no_two_stored_forms_are_alike() -> None:
    assert ENCODER.seal("same", ABOUT) != ENCODER.seal("same", ABOUT)


def test_the_stored_form_names_everything_needed_to_read_it() -> None:
    """SEC-31."""
    head, version, cipher, function, iterations, salt, nonce, sealed = STORED.split(":")
    assert (head, version, cipher, function) == ("clusterlink.secret", "1", "AES-256-GCM", "PBKDF2-HMAC-SHA512")
    assert iterations == str(QUICK) and salt and nonce and sealed
    assert str(read(STORED)) == STORED
    assert Encoder(lambda: "the key", iterations=ROUNDS).open(STORED, ABOUT).text == "hunter2"


@pytest.mark.parametrize("place", range(3))
def test_a_secret_opens_nowhere_else(place: int) -> None:
    """SEC-37: not for another cluster, another link, another property."""
    other = [*ABOUT]
    other[place] += "x"
    with pytest.raises(Unopened):
        ENCODER.open(STORED, other)


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_different_owners_are_bound_differently(one: list[str], other: list[str]) -> None:
    assert (bound(one) == bound(other)) == (one == other)
    assert json.loads(bound(one))[1:] == one


@given(st.data())
def test_no_changed_form_opens(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(STORED) - 1))
    changed = STORED[:at] + data.draw(st.characters(codec="utf-8")) + STORED[at + 1 :]
    try:
        opened = ENCODER.open(changed, ABOUT)
    except SecretError as error:
        assert "hunter2" not in str(error)
    else:
        # the last character of a base64 group may differ in bits that say nothing
        assert opened.text == "hunter2" and read(changed) == read(STORED)


@given(st.text(max_size=60))
def test_any_other_text_is_no_stored_form(text: str) -> None:
    for form in (text, "clusterlink.secret:1:" + text):
        assert not is_stored(form)
        with pytest.raises(NotStored):
            ENCODER.open(form, ABOUT)


@pytest.mark.parametrize("iterations", ["0", "999", "2000001", "9" * 30, "-1000", "1e4", ""])
def test_a_form_that_would_only_keep_us_busy_is_refused(iterations: str) -> None:
    parts = STORED.split(":")
    parts[4] = iterations
    with pytest.raises(NotStored, match="iterations"):
        ENCODER.open(":".join(parts), ABOUT)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    """SEC-30."""
    none = Encoder()
    assert not none.can_seal
    with pytest.raises(NoKey):
        none.seal("x", ABOUT)
    with pytest.raises(NoKey):
        none.open(STORED, ABOUT)


def test_a_wrong_key_opens_nothing() -> None:
    with pytest.raises(Unopened, match="another key"):
        Encoder(lambda: "wrong", iterations=QUICK).open(STORED, ABOUT)


def test_the_old_key_still_opens_and_is_told_apart() -> None:
    """SEC-32: both keys at once; what is sealed now is under the new one."""
    both = Encoder(lambda: "new", lambda: "the key", QUICK)
    opened = both.open(STORED, ABOUT)
    assert (opened.text, opened.is_current) == ("hunter2", False)
    again = both.seal(opened.text, ABOUT)
    assert both.open(again, ABOUT).is_current
    assert Encoder(lambda: "new", iterations=QUICK).open(again, ABOUT).text == "hunter2"
    with pytest.raises(Unopened):
        ENCODER.open(again, ABOUT)


def test_all_that_is_sealed_shares_one_salt_also_across_processes() -> None:
    """So that a worker derives one key, not one for each secret."""
    other = Encoder(lambda: "the key", iterations=QUICK)
    other.open(STORED, ABOUT)
    salts = {read(e.seal("x", ABOUT)).derivation.salt for e in (ENCODER, other, other)}
    assert salts == {read(STORED).derivation.salt}


def test_a_new_key_gets_a_salt_of_its_own() -> None:
    both = Encoder(lambda: "new", lambda: "the key", QUICK)
    both.open(STORED, ABOUT)
    assert read(both.seal("x", ABOUT)).derivation.salt != read(STORED).derivation.salt
