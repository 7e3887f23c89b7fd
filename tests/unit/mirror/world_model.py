"""Two or three workers that all believe they own one mirror partition, and a network that delays, loses and halves.

`World.run` lets chance decide what happens next: a worker thinks, a request or a part of one reaches the leader, an
answer arrives or is lost, a worker gives up waiting or crashes, followers catch up, the leader changes, the leader
forgets the producer id. Requests may arrive in any order and long after their sender has given up on them. After all
that one worker is left alone and must finish. The log is compared with the source after every append:

    whatever lies at offset o is what the source has at o: its record, or a marker where no consumer sees one

`Rules` says what the workers obey; a rule left out is a mutant, which the model must catch.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from pipeline.mirror import claims
from pipeline.mirror.append import Append, Chain, Markers, Token, Write
from pipeline.mirror.claims import Claim, Placed, ProducerId
from pipeline.mirror.readings import LAST_COORDINATOR_EPOCH, LAST_EPOCH, SEQUENCES, TOKENS, Reading
from tests.unit.mirror.leader_model import FENCED, MARKER, NOT_ENOUGH_REPLICAS, Leader

TOPIC_ID = "mirror"
RECORD, CONTROL, HOLE = range(3)
"""What the source has at an offset: a record, a marker or aborted data, nothing any more."""
MARKED = {"markers": {CONTROL, HOLE}, "records": set(), "mixed": {CONTROL}}


class ShiftedError(Exception):
    """The log has something else at an offset than the source."""


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

    chain: Chain | None = None
    producer_id: int = -1
    claim: Placed[Claim] | None = None
    token: Token | None = None
    sees: list[int] = field(default_factory=list)


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


class World:
    """One interleaving, decided by its seed."""

    def __init__(self, seed: int, rules: Rules) -> None:
        self.random = Random(seed)
        self.rules = rules
        self.events: dict[str, int] = {}
        start = self.random.choice((0, 0, 5, SEQUENCES - 4, 3 * SEQUENCES - 3))
        self.leader = Leader(start, checks_sequences=rules.checks_sequences)
        self.source = self._make_source(self.random.randint(5, 14))
        self.end = start + len(self.source)
        self.placed_ids = [Placed(0, 0, ProducerId(TOPIC_ID, 0, 0, 100))]
        self.placed_claims: list[Placed[Claim]] = []
        self.claims_end = self.random.randrange(1000)
        self.on_the_way: list[Request] = []
        self.answers: list[Request] = []
        self.checked = 0
        self.workers = [Worker(producer_id=100) for _ in range(self.random.choice((2, 2, 3)))]
        self._begin_in_use()

    def _make_source(self, size: int) -> list[int]:
        source: list[int] = []
        while len(source) < size:
            source += [CONTROL if self.random.random() < 0.6 else RECORD] * self.random.randint(1, 6)
        return source[:size]

    def _begin_in_use(self) -> None:
        """Often the producer id has a past: ordinary, or close to the end of a counter."""
        how = self.random.random()
        start = self.leader.start
        if how < 0.3:
            return
        epoch = self.random.choice((0, 7, LAST_EPOCH - TOKENS - 1, LAST_EPOCH - TOKENS, LAST_EPOCH - TOKENS + 1))
        coordinator_epoch = self.random.choice(
            (-1, 0, 63, 640, LAST_COORDINATOR_EPOCH - 64, LAST_COORDINATOR_EPOCH - 63)
        )
        last_sequence = self.random.choice((-1, (start - 1) % SEQUENCES, 41, SEQUENCES - 1, SEQUENCES - 2))
        self.leader.remember(100, epoch, last_sequence, coordinator_epoch)

    # what happens

    def run(self, steps: int) -> None:
        """Let chance rule for a while, then let one worker finish alone. Raises ShiftedError."""
        limits, happenings, random = self._chances(), self._happenings(), self.random.random
        for _ in range(steps):
            if self.leader.high_watermark >= self.end:
                break
            happenings[bisect(limits, random())]()
        self._finish()

    def _chances(self) -> list[float]:
        """How likely each happening is differs from world to world: some are calm, some wild."""
        random = self.random.choice
        weights = [0.4, 0.3, 0.25, 0.1, random((0, 0.02, 0.1)), random((0, 0.03)), 0.01, random((0, 0.04)), 0.01, 0.02]
        total = sum(weights)
        return [sum(weights[: n + 1]) / total for n in range(len(weights) - 1)]

    def _happenings(self) -> list[Callable[[], None]]:
        return [
            self._think_one,
            self._arrive,
            self._answer,
            self._replicate,
            self._give_up_one,
            self._crash,
            self._lose,
            self._fail_over,
            self._forget,
            self._compact,
        ]

    def _finish(self) -> None:
        self.on_the_way.clear()
        self.answers.clear()
        worker = Worker(producer_id=100)
        self.workers = [worker]
        for _ in range(12 * len(self.source) + 60):
            if self.leader.log_end >= self.end:
                return
            self.think(worker)
            while self.on_the_way:
                self._execute(self.on_the_way.pop(0), whole=True)
            self.leader.high_watermark = self.leader.log_end
            while self.answers:
                self._tell(self.answers.pop(0))
        raise AssertionError(f"a worker alone does not get past {self.leader.log_end} of {self.end}")

    # a worker

    def _think_one(self) -> None:
        self.think(self.random.choice(self.workers))

    def think(self, worker: Worker) -> None:
        """One step of a worker: read, claim or send, whatever its chain allows."""
        chain = worker.chain
        if chain is None or chain.doubtful is not None:
            self._read(worker)
            return
        at = chain.next_offset
        if at >= self.end:
            return
        if not worker.sees:
            worker.sees = list(self.source)
        marked = MARKED[self.rules.fills]
        ahead = [kind in marked for kind in worker.sees[at - self.leader.start :]]
        length = next((n for n, is_marked in enumerate(ahead) if is_marked != ahead[0]), len(ahead))
        if not ahead[0]:
            if chain.may_append:
                self._send(worker, chain.append(at, self.random.randint(1, min(3, length))))
        elif chain.may_mark:
            self._mark(worker, chain, length)

    def _read(self, worker: Worker) -> None:
        if worker.chain is not None and worker.chain.in_flight:
            self._give_up(worker)
            return
        reading = self.leader.read(worker.producer_id)
        if not reading.is_settled:
            if self.rules.waits_for_replication:
                self.leader.replicate(self.random)
                return
            reading = Reading(reading.producer_id, reading.state, reading.log_end, reading.log_end)
        if reading.is_retired or (reading.state is None and self._has_successor(worker)):
            self._succeed(worker)
        elif worker.chain is None:
            worker.chain = self.rules.chain(reading)
        else:
            worker.chain.read(reading)
        worker.sees = list(self.source)

    def _has_successor(self, worker: Worker) -> bool:
        """An id that the leader does not know may be a retired one that it has forgotten: look again."""
        latest = claims.current(self.placed_ids)
        assert latest is not None
        return self.rules.looks_for_successors and latest.producer_id != worker.producer_id

    def _succeed(self, worker: Worker) -> None:
        latest = claims.current(self.placed_ids)
        assert latest is not None
        if latest.producer_id == worker.producer_id:
            generation = claims.next_generation(latest)
            taken = ProducerId(TOPIC_ID, 0, generation, 100 + len(self.placed_ids))
            self.placed_ids.append(Placed(len(self.placed_ids), 0, taken))
            self._count("successor")
        else:
            worker.producer_id, worker.chain = latest.producer_id, None

    def _mark(self, worker: Worker, chain: Chain, length: int) -> None:
        at = chain.next_offset
        if not chain.needs_claim:
            self._send(worker, chain.run(at, self.random.randint(1, length)))
            return
        if worker.token is not None and worker.token.basis == chain.basis:
            token: Token | None = worker.token
            worker.token = None
        elif worker.claim is None or worker.claim.record.basis != chain.basis:
            self.claims_end += self.random.choice((1, 1, 2, TOKENS, self.random.randint(1, 200)))
            worker.claim = Placed(self.claims_end, 0, Claim.of(TOPIC_ID, 0, chain.basis, "w"))
            self.placed_claims.append(worker.claim)
            return
        else:
            token, worker.claim = self.rules.usable(worker.claim, self.placed_claims), None
        if token is not None:
            self._count("retirement" if chain.basis.must_retire else "claim")
            if self.rules.reuses_tokens:
                worker.token = token
            self._send(worker, chain.claim(at, token))
        else:
            self._count("token taken")

    def _send(self, worker: Worker, write: Write) -> None:
        assert worker.chain is not None
        self.on_the_way.append(Request(worker, worker.chain, write))

    def _give_up_one(self) -> None:
        self._give_up(self.random.choice(self.workers))

    def _give_up(self, worker: Worker) -> None:
        """A worker stops waiting for an answer; the request may land all the same."""
        if worker.chain is not None and worker.chain.in_flight:
            worker.chain.doubt(self.random.choice(worker.chain.in_flight), "no answer")
            self._count("given up")

    def _crash(self) -> None:
        latest = claims.current(self.placed_ids)
        assert latest is not None
        self.workers[self.random.randrange(len(self.workers))] = Worker(producer_id=latest.producer_id)
        self._count("crash")

    # the network and the leader

    def _arrive(self) -> None:
        if self.on_the_way:
            index = 0 if self.random.random() < 0.7 else self.random.randrange(len(self.on_the_way))
            self._execute(self.on_the_way.pop(index), whole=self.random.random() < 0.5)
        else:
            self._think_one()

    def _lose(self) -> None:
        if self.on_the_way:
            self.on_the_way.remove(self.random.choice(self.on_the_way))

    def _execute(self, request: Request, *, whole: bool) -> None:
        """The leader works on a request; not whole: others come before the rest of a run of markers."""
        write = request.write
        refuses = not whole and self.random.random() < 0.2
        if isinstance(write, Append):
            if refuses:
                request.code = NOT_ENOUGH_REPLICAS
            else:
                stamp, offsets = write.stamp, range(write.first_offset, write.next_offset)
                request.code, request.base_offset = self.leader.produce(*stamp, offsets)
        else:
            left = len(write.epochs) - request.done
            for _ in range(left if whole else self.random.randint(1, left)):
                pair = write.epochs[request.done]
                code = NOT_ENOUGH_REPLICAS if refuses else self.leader.mark(write.producer_id, *pair)
                request.code = code if request.done == 0 else 0  # refusals inside a run hide behind a 0
                request.done += 1
            if request.done < len(write.epochs):
                self._count("half a run")
                self.on_the_way.insert(self.random.randint(0, len(self.on_the_way)), request)
                return
        self._compare()
        request.needs = self.leader.log_end if isinstance(write, Markers) else request.base_offset + write.records
        self.answers.append(request)

    def _compare(self) -> None:
        """I1 and I2: what was appended since the last time is what the source has there."""
        log, source = self.leader.log, self.source
        for index in range(self.checked, len(log)):
            offset = self.leader.start + index
            if index >= len(source):
                raise ShiftedError(f"offset {offset} is behind the source's end")
            if log[index] != (MARKER if log[index] == MARKER and source[index] != RECORD else offset):
                raise ShiftedError(f"at offset {offset} lies {log[index]}")
        self.checked = len(log)

    def _answer(self) -> None:
        if self.answers:
            request = self.answers.pop(self.random.randrange(len(self.answers)))
            if self.random.random() < 0.85:
                self._tell(request)
        else:
            self._think_one()

    def _tell(self, request: Request) -> None:
        """An answer reaches the worker, if it still waits: acks=-1, so only when all of it is replicated."""
        worker, chain, write = request.worker, request.chain, request.write
        if worker.chain is not chain or write not in chain.in_flight:
            return
        if request.code:
            self._tell_refusal(worker, chain, write, request.code)
        elif self.leader.high_watermark < request.needs:
            self.answers.append(request)
        elif isinstance(write, Append):
            chain.acknowledge(write, request.base_offset)
        else:
            chain.confirm(write, self.leader.log_end)

    def _tell_refusal(self, worker: Worker, chain: Chain, write: Write, code: int) -> None:
        if isinstance(write, Markers) and len(write.epochs) == 1 and code in (NOT_ENOUGH_REPLICAS, FENCED):
            chain.refused(write, str(code))
            if code == NOT_ENOUGH_REPLICAS:
                worker.token = write.token
                self._count("token kept")
        else:
            chain.doubt(write, str(code))

    def _replicate(self) -> None:
        self.leader.replicate(self.random)

    def _compact(self) -> None:
        if self.rules.compacts:
            self.source[self.random.randrange(len(self.source))] = HOLE
            self._count("compacted")
        else:
            self._think_one()

    def _fail_over(self) -> None:
        self._count("failover" if self.leader.high_watermark < self.leader.log_end else "election")
        self.leader.fail_over()
        self.answers = [request for request in self.answers if request.needs <= self.leader.high_watermark]
        self.checked = min(self.checked, len(self.leader.log))

    def _forget(self) -> None:
        """The leader forgets all ids; by then no request is under way, and nobody goes on without reading."""
        self._count("forgotten")
        for producer_id in list(self.leader.states):
            self.leader.forget(producer_id)
        self.on_the_way.clear()
        self.answers.clear()
        self.placed_claims.clear()
        if self.rules.reads_again_in_time:
            for worker in self.workers:
                worker.chain = worker.claim = worker.token = None

    def _count(self, event: str) -> None:
        self.events[event] = self.events.get(event, 0) + 1
