"""Records of the claims topic: tokens that no rival has, and producer ids that all agree on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.errors import Malformed
from pipeline.mirror.append import Token
from pipeline.mirror.claims import (
    CLAIM_LIFETIME_MS,
    Claim,
    Placed,
    ProducerId,
    current,
    decode,
    encode,
    next_generation,
    usable,
)
from pipeline.mirror.readings import TOKENS, Basis

BASIS = Basis(5, 1, 64)


def claim(offset: int, basis: Basis = BASIS, partition: int = 0, at_ms: int = 0) -> Placed[Claim]:
    return Placed(offset, at_ms, Claim.of("topic", partition, basis, "worker"))


def test_a_token_is_the_offset_modulo_63_plus_1() -> None:
    assert usable(claim(0), []) == Token(BASIS, 1)
    assert usable(claim(62), []) == Token(BASIS, 63)
    assert usable(claim(63), []) == Token(BASIS, 1)


def test_of_two_claims_with_one_token_the_first_has_it() -> None:
    first, second = claim(10), claim(10 + TOKENS)
    assert usable(second, [first]) is None
    assert usable(first, [second]) is not None


@pytest.mark.parametrize(
    "other",
    [
        claim(10, partition=1),
        claim(10, Basis(5, 1, 128)),
        claim(10, Basis(6, 1, 64)),
        claim(11),
    ],
    ids=["another partition", "another reading", "another producer id", "another token"],
)
def test_only_rivals_compete(other: Placed[Claim]) -> None:
    assert usable(claim(10 + TOKENS), [other]) is not None


def test_a_token_is_free_again_when_its_claim_cannot_land_any_more() -> None:
    late = claim(10 + TOKENS, at_ms=CLAIM_LIFETIME_MS)
    assert usable(late, [claim(10, at_ms=1)]) is None
    assert usable(late, [claim(10, at_ms=0)]) is not None


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1)), unique_by=lambda place: place[0], max_size=80))
def test_no_two_rivals_ever_have_the_same_token(places: list[tuple[int, int]]) -> None:
    """Everyone decides alone, from what lies before their own record."""
    log = [claim(offset, partition=partition) for offset, partition in sorted(places)]
    given_out = [
        (placed.record.key, token) for n, placed in enumerate(log) if (token := usable(placed, log[:n])) is not None
    ]
    assert len(set(given_out)) == len(given_out)
    for key in {placed.record.key for placed in log}:
        tokens = {placed.offset % TOKENS for placed in log if placed.record.key == key}
        assert len([1 for owner, _ in given_out if owner == key]) == len(tokens)


def producer_id(offset: int, generation: int, value: int) -> Placed[ProducerId]:
    return Placed(offset, 0, ProducerId("topic", 0, generation, value))


def test_the_first_producer_id_of_the_latest_generation_counts() -> None:
    assert current([]) is None
    log = [producer_id(3, 0, 30), producer_id(4, 0, 40), producer_id(8, 1, 80), producer_id(9, 1, 90)]
    for order in (log, log[::-1]):
        found = current(order)
        assert found is not None
        assert (found.generation, found.producer_id) == (1, 80)


def test_generations_follow_each_other() -> None:
    assert next_generation(None) == 0
    assert next_generation(ProducerId("topic", 0, 4, 7)) == 5


@pytest.mark.parametrize("record", [claim(0).record, ProducerId("topic", 3, 2, 9, "worker")])
def test_records_survive_their_encoding(record: Claim | ProducerId) -> None:
    assert decode(encode(record)) == record
    assert record.key.startswith("topic/")


@pytest.mark.parametrize("value", [b"", b"[]", b"{", b'{"kind":"other"}', b'{"kind":"claim","partition":"x"}'])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    with pytest.raises(Malformed):
        decode(value)
