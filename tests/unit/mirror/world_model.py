"""Two or three workers that all believe they own one mirror partition, and a network that delays, loses and halves.

`World.run` lets chance decide what happens next: a worker thinks, a request or a part of one reaches the leader, an
answer arrives or is lost, a worker gives up waiting or crashes, followers catch up, the leader changes, the leader
forgets the producer id. Requests may arrive in any order and long after their sender has given up on them. After all
that one worker is left alone and must finish. The log is compared with the source after every append:

    whatever lies at offset o is what the source has at o: its record, or a marker where no consumer sees one
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from random import Random

from pipeline.mirror import claims
from pipeline.mirror.append import Append, Markers
from pipeline.mirror.claims import Claim, Placed, ProducerId
from pipeline.mirror.readings import LAST_COORDINATOR_EPOCH, LAST_EPOCH, SEQUENCES, TOKENS
from tests.unit.mirror.leader_model import MARKER, NOT_ENOUGH_REPLICAS, Leader
from tests.unit.mirror.worker_model import CONTROL, HOLE, RECORD, TOPIC_ID, Request, Rules, Worker


class ShiftedError(Exception):
    """The log has something else at an offset than the source."""


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
        self.workers = [Worker(self, 100) for _ in range(self.random.choice((2, 2, 3)))]
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
        worker = Worker(self, 100)
        self.workers = [worker]
        for _ in range(12 * len(self.source) + 60):
            if self.leader.log_end >= self.end:
                return
            worker.think()
            while self.on_the_way:
                self._execute(self.on_the_way.pop(0), whole=True)
            self.leader.high_watermark = self.leader.log_end
            while self.answers:
                self._tell(self.answers.pop(0))
        raise AssertionError(f"a worker alone does not get past {self.leader.log_end} of {self.end}")

    def _think_one(self) -> None:
        self.random.choice(self.workers).think()

    def _give_up_one(self) -> None:
        self.random.choice(self.workers).give_up()

    def _crash(self) -> None:
        latest = claims.current(self.placed_ids)
        assert latest is not None
        self.workers[self.random.randrange(len(self.workers))] = Worker(self, latest.producer_id)
        self.count("crash")

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
                self.count("half a run")
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
            worker.hear_refusal(chain, write, request.code)
        elif self.leader.high_watermark < request.needs:
            self.answers.append(request)
        elif isinstance(write, Append):
            chain.acknowledge(write, request.base_offset)
        else:
            chain.confirm(write, self.leader.log_end)

    def _replicate(self) -> None:
        self.leader.replicate(self.random)

    def _compact(self) -> None:
        if self.rules.compacts:
            self.source[self.random.randrange(len(self.source))] = HOLE
            self.count("compacted")
        else:
            self._think_one()

    def _fail_over(self) -> None:
        self.count("failover" if self.leader.high_watermark < self.leader.log_end else "election")
        self.leader.fail_over()
        self.answers = [request for request in self.answers if request.needs <= self.leader.high_watermark]
        self.checked = min(self.checked, len(self.leader.log))

    def _forget(self) -> None:
        """The leader forgets all ids; by then no request is under way, and nobody goes on without reading."""
        self.count("forgotten")
        for producer_id in list(self.leader.states):
            self.leader.forget(producer_id)
        self.on_the_way.clear()
        self.answers.clear()
        self.placed_claims.clear()
        if self.rules.reads_again_in_time:
            for worker in self.workers:
                worker.chain = worker.claim = worker.token = None

    def count(self, event: str) -> None:
        self.events[event] = self.events.get(event, 0) + 1
