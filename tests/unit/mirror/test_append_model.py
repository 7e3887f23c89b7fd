"""The append protocol against a model of the leader: no interleaving may shift a record (I1, I2, I3).

`CLUSTERLINK_MODEL_RUNS` sets how many interleavings are tried (300,000 for a thorough run). Each has a seed, which a
failure names. The mutants leave out one rule each: that the model catches them shows that it could catch a mistake.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from pipeline.mirror.append import Append, Chain, Markers, Token
from pipeline.mirror.claims import Claim, Placed
from pipeline.mirror.readings import COORDINATOR_STEP, LAST_EPOCH, Basis, ForeignWrite, Reading
from tests.unit.mirror.leader_model import COORDINATOR_FENCED, FENCED, OUT_OF_ORDER
from tests.unit.mirror.worker_model import Rules
from tests.unit.mirror.world_model import ShiftedError, World

RUNS = int(os.environ.get("CLUSTERLINK_MODEL_RUNS", "10000"))
RUNS_TO_CATCH_A_MUTANT = 10_000
STEPS = 100
PROTOCOL, COMPACTED = Rules(), Rules(compacts=True, fills="records")


def run(seed: int, rules: Rules) -> World:
    world = World(seed, rules)
    try:
        world.run(STEPS)
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    return world


@pytest.mark.timeout(60 + RUNS // 100)
def test_no_interleaving_shifts_a_record() -> None:
    events: Counter[str] = Counter()
    for seed in range(RUNS):
        world = run(seed, PROTOCOL)
        events.update(world.events)
        events.update({f"refused {code}": times for code, times in world.leader.refusals.items()})
    seen_often = {
        "claim", "token taken", "token kept", "retirement", "successor", "half a run", "given up", "crash", "failover",
        "forgotten", f"refused {OUT_OF_ORDER}", f"refused {FENCED}", f"refused {COORDINATOR_FENCED}",
    }  # fmt: skip
    assert {event for event in seen_often if events[event] * 200 < RUNS} == set(), events


@pytest.mark.timeout(60 + RUNS // 100)
def test_no_interleaving_shifts_a_record_of_a_log_that_is_being_compacted() -> None:
    """Where records vanish while several copy, everything in the mirror is a record (`gaps`)."""
    events: Counter[str] = Counter()
    for seed in range(RUNS // 3):
        events.update(run(seed, COMPACTED).events)
    assert events["compacted"] > RUNS // 10


# mutants


class Altered(Chain):
    """A chain whose claims and runs are changed before they are sent."""

    def _changed(self, write: Markers, epochs: tuple[tuple[int, int], ...]) -> Markers:
        changed = replace(write, epochs=epochs)
        self._in_flight[self._in_flight.index(write)] = changed
        return changed


class WithoutEpoch(Altered):
    def claim(self, first_offset: int, token: Token) -> Markers:
        write = super().claim(first_offset, token)
        return self._changed(write, ((token.basis.epoch, write.epochs[0][1]),))


class WithoutCoordinatorEpoch(Altered):
    def claim(self, first_offset: int, token: Token) -> Markers:
        write = super().claim(first_offset, token)
        return self._changed(write, ((write.epochs[0][0], token.basis.coordinator_epoch),))

    def run(self, first_offset: int, count: int) -> Markers:
        write = super().run(first_offset, count)
        return self._changed(write, tuple((epoch, self.basis.coordinator_epoch) for epoch, _ in write.epochs))


class WithoutToken(Altered):
    """The plain claim: epoch e+1, coordinator epoch c."""

    def claim(self, first_offset: int, token: Token) -> Markers:
        write = super().claim(first_offset, token)
        return self._changed(write, ((token.basis.epoch + 1, token.basis.coordinator_epoch),))


class RunsWithoutSteps(Altered):
    """A run's coordinator epochs rise, but by 1 only, so that a late claim of the same basis still passes."""

    def run(self, first_offset: int, count: int) -> Markers:
        write = super().run(first_offset, count)
        base = write.epochs[0][1] - COORDINATOR_STEP
        return self._changed(write, tuple((epoch, base + n + 1) for n, (epoch, _) in enumerate(write.epochs)))


class RunsWithoutClaim(Chain):
    @property
    def needs_claim(self) -> bool:
        return self.basis.must_retire


class MarksBehindData(Chain):
    """Sends markers while appends are in flight."""

    @property
    def may_mark(self) -> bool:
        return self.doubtful is None


class ManyInFlightWhileUnknown(Chain):
    @property
    def may_append(self) -> bool:
        markers = any(isinstance(write, Markers) for write in self._in_flight)
        return self.doubtful is None and len(self._in_flight) < 5 and not markers

    def append(self, first_offset: int, records: int) -> Append:
        was_known, self._known = self._known, self._known and not self._in_flight
        write = super().append(first_offset, records)
        self._known = was_known
        return write


class RetiresByChance(Altered):
    """Ordinary claims and retirements of one basis, mixed."""

    def claim(self, first_offset: int, token: Token) -> Markers:
        write = super().claim(first_offset, token)
        if token.value % 2 or token.basis.must_retire:
            return write
        return self._changed(write, ((LAST_EPOCH + token.value, write.epochs[0][1]),))


def first_token(claim: Placed[Claim], earlier: Iterable[Placed[Claim]]) -> Token:
    """A token from the offset alone, as if no other partition's claims were in the topic."""
    return Token(claim.record.basis, claim.offset % 63 + 1)


class ForgetsTokens(Chain):
    """Lets a token be used again; a chain would refuse to, before the leader has a chance to."""

    def claim(self, first_offset: int, token: Token) -> Markers:
        self._spent.clear()
        return super().claim(first_offset, token)


def of(chain: type[Chain], rules: Rules = PROTOCOL) -> Rules:
    """The rules with another chain, which does not compare log ends: only the log itself shall give a mistake away."""
    return replace(rules, chain=lambda reading: chain("orders-0", reading, counted=False))


MUTANTS = {
    "no epoch": of(WithoutEpoch),
    "no coordinator epoch": of(WithoutCoordinatorEpoch),
    "no token": of(WithoutToken),
    "a token that a rival may have": of(ForgetsTokens, Rules(usable=first_token)),
    "a token used twice": of(ForgetsTokens, Rules(reuses_tokens=True)),
    "no sequence check": of(Chain, Rules(checks_sequences=False)),
    "runs without a claim": of(RunsWithoutClaim),
    "runs in small steps": of(RunsWithoutSteps),
    "markers behind data in flight": of(MarksBehindData),
    "several in flight while the id is unknown": of(ManyInFlightWhileUnknown),
    "retirement by chance": of(RetiresByChance),
    "readings that are not replicated": of(Chain, Rules(waits_for_replication=False)),
    "readings that are too old": of(Chain, Rules(reads_again_in_time=False)),
    "a retired id that was forgotten": of(Chain, Rules(looks_for_successors=False)),
    "markers in holes of a compacted log": of(Chain, Rules(compacts=True)),
    "markers and records in a compacted log": of(Chain, Rules(compacts=True, fills="mixed")),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_model_catches_a_protocol_that_lacks_a_rule(mutant: str) -> None:
    for seed in range(RUNS_TO_CATCH_A_MUTANT):
        try:
            run(seed, MUTANTS[mutant])
        except (ShiftedError, ForeignWrite):
            return
    pytest.fail(f"{RUNS_TO_CATCH_A_MUTANT} interleavings, and nothing was shifted")


def test_what_retires_is_the_same_for_everyone_who_reads_the_same() -> None:
    assert Reading(1, None, 0, 0).basis == Basis(1, 0, 0)
    assert not Basis(1, LAST_EPOCH - 63, 0).must_retire
    assert Basis(1, LAST_EPOCH - 62, 0).must_retire
