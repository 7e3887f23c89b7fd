"""One worker of the model: it thinks one step at a time, obeys its chain, and knows only what it has read.

`Rules` says what the workers and brokers obey; the defaults are the protocol, a rule left out is a mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.mirror import claims
from pipeline.mirror.append import Chain, Markers, Token, Write
from pipeline.mirror.claims import Claim, Placed, ProducerId
from pipeline.mirror.readings import TOKENS, Reading
from tests.unit.mirror.leader_model import FENCED, NOT_ENOUGH_REPLICAS

if TYPE_CHECKING:
    from tests.unit.mirror.world_model import World

TOPIC_ID = "mirror"
RECORD, CONTROL, HOLE = range(3)
"""What the source has at an offset: a record, a marker or aborted data, nothing any more."""
MARKED = {"markers": {CONTROL, HOLE}, "records": set(), "mixed": {CONTROL}}


@dataclass(frozen=True)
class Rules:
    """What the workers and the brokers obey; the defaults are the protocol."""

    chain: Callable[[Reading], Chain] = lambda reading: Chain("orders-0", reading)
    usable: Callable[[Placed[Claim], Iterable[Placed[Claim]]], Token | None] = claims.usable
    checks_sequences: bool = True
    waits_for_replication: bool = True
    reads_again_in_time: bool = True
    looks_for_successors: bool = True
    reuses_tokens: bool = False
    compacts: bool = False
    """Records of the source may vanish at any time."""
    fills: str = "markers"
    """How gaps are filled: with `markers`, with `records`, or `mixed`: holes that compaction left with records."""


@dataclass(eq=False)
class Worker:
    """One that believes it owns the partition."""

    world: World
    producer_id: int
    chain: Chain | None = None
    claim: Placed[Claim] | None = None
    token: Token | None = None
    sees: list[int] = field(default_factory=list)

    def think(self) -> None:
        """One step of a worker: read, claim or send, whatever its chain allows."""
        chain = self.chain
        if chain is None or chain.doubtful is not None:
            self._read()
            return
        at = chain.next_offset
        if at >= self.world.end:
            return
        if not self.sees:
            self.sees = list(self.world.source)
        marked = MARKED[self.world.rules.fills]
        ahead = [kind in marked for kind in self.sees[at - self.world.leader.start :]]
        length = next((n for n, is_marked in enumerate(ahead) if is_marked != ahead[0]), len(ahead))
        if not ahead[0]:
            if chain.may_append:
                self._send(chain.append(at, self.world.random.randint(1, min(3, length))))
        elif chain.may_mark:
            self._mark(chain, length)

    def _read(self) -> None:
        if self.chain is not None and self.chain.in_flight:
            self.give_up()
            return
        reading = self.world.leader.read(self.producer_id)
        if not reading.is_settled:
            if self.world.rules.waits_for_replication:
                self.world.leader.replicate(self.world.random)
                return
            reading = Reading(reading.producer_id, reading.state, reading.log_end, reading.log_end)
        if reading.is_retired or (reading.state is None and self._has_successor()):
            self._succeed()
        elif self.chain is None:
            self.chain = self.world.rules.chain(reading)
        else:
            self.chain.read(reading)
        self.sees = list(self.world.source)

    def _has_successor(self) -> bool:
        """An id that the leader does not know may be a retired one that it has forgotten: look again."""
        latest = claims.current(self.world.placed_ids)
        assert latest is not None
        return self.world.rules.looks_for_successors and latest.producer_id != self.producer_id

    def _succeed(self) -> None:
        latest = claims.current(self.world.placed_ids)
        assert latest is not None
        if latest.producer_id == self.producer_id:
            generation = claims.next_generation(latest)
            taken = ProducerId(TOPIC_ID, 0, generation, 100 + len(self.world.placed_ids))
            self.world.placed_ids.append(Placed(len(self.world.placed_ids), 0, taken))
            self.world.count("successor")
        else:
            self.producer_id, self.chain = latest.producer_id, None

    def _mark(self, chain: Chain, length: int) -> None:
        at = chain.next_offset
        if not chain.needs_claim:
            self._send(chain.run(at, self.world.random.randint(1, length)))
            return
        if self.token is not None and self.token.basis == chain.basis:
            token: Token | None = self.token
            self.token = None
        elif self.claim is None or self.claim.record.basis != chain.basis:
            self.world.claims_end += self.world.random.choice((1, 1, 2, TOKENS, self.world.random.randint(1, 200)))
            self.claim = Placed(self.world.claims_end, 0, Claim.of(TOPIC_ID, 0, chain.basis, "w"))
            self.world.placed_claims.append(self.claim)
            return
        else:
            token, self.claim = self.world.rules.usable(self.claim, self.world.placed_claims), None
        if token is not None:
            self.world.count("retirement" if chain.basis.must_retire else "claim")
            if self.world.rules.reuses_tokens:
                self.token = token
            self._send(chain.claim(at, token))
        else:
            self.world.count("token taken")

    def _send(self, write: Write) -> None:
        assert self.chain is not None
        self.world.on_the_way.append(Request(self, self.chain, write))

    def give_up(self) -> None:
        """A worker stops waiting for an answer; the request may land all the same."""
        if self.chain is not None and self.chain.in_flight:
            self.chain.doubt(self.world.random.choice(self.chain.in_flight), "no answer")
            self.world.count("given up")

    def hear_refusal(self, chain: Chain, write: Write, code: int) -> None:
        if isinstance(write, Markers) and len(write.epochs) == 1 and code in (NOT_ENOUGH_REPLICAS, FENCED):
            chain.refused(write, str(code))
            if code == NOT_ENOUGH_REPLICAS:
                self.token = write.token
                self.world.count("token kept")
        else:
            chain.doubt(write, str(code))


@dataclass(eq=False)
class Request:
    """A write on its way; `done` of its markers have been executed."""

    worker: Worker
    chain: Chain
    write: Write
    done: int = 0
    code: int = 0
    base_offset: int = -1
    needs: int = -1
    """The high watermark at which it is replicated: acks=-1."""
