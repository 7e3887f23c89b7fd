"""Tokens and producer ids for the append protocol, agreed on through two control topics (see
`pipeline/mirror/claims.py`).

Claims are kept a week (their offsets are what matters). Producer ids are kept for ever, in a topic of their own that is
compacted only so that those of deleted mirrors can go: the producer id is part of the record's key, so no two records
of a living mirror share one, and the first of a generation stays the first.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable

from pipeline.control.sending import Sender
from pipeline.control.tail import Entry, Tail
from pipeline.control.topics import ControlTopics
from pipeline.link.errors import LinkError
from pipeline.mirror.append import Token
from pipeline.mirror.claims import (
    CLAIM_LIFETIME_MS,
    Claim,
    Closed,
    Placed,
    ProducerId,
    Reopened,
    current,
    decode,
    last_open,
    next_generation,
    partition_key,
    usable,
    was_closed,
)
from pipeline.mirror.readings import Basis

MOST_TRIES = 70


class NoToken(Exception):
    """All tokens of a basis are in use for now: claims were sent and never answered. Try again later."""


class Registry:
    """This worker's view of the claims and producers topics."""

    def __init__(self, topics: ControlTopics, sender: Sender, worker: str) -> None:
        self._topics = topics
        self._sender = sender
        self._worker = worker
        self._claims: dict[str, list[Placed[Claim]]] = defaultdict(list)
        self._producers: dict[str, list[Placed[ProducerId]]] = defaultdict(list)
        self.tail: Tail | None = None

    def apply(self, entry: Entry) -> None:
        """Take over one record of either topic."""
        if entry.topic == self._topics.producers and entry.value is None and entry.key is not None:
            self._producers.pop(partition_key(*_mirror_partition(entry.key.decode())), None)
            return
        if entry.topic not in (self._topics.claims, self._topics.producers) or entry.value is None:
            return
        try:
            record = decode(entry.value)
        except LinkError:
            return  # not ours: a hand-made record claims nothing
        if isinstance(record, Claim) and entry.topic == self._topics.claims:
            young = entry.timestamp_ms - 2 * CLAIM_LIFETIME_MS
            kept = [c for c in self._claims[record.key] if c.timestamp_ms > young]
            self._claims[record.key] = [*kept, Placed(entry.offset, entry.timestamp_ms, record)]
        elif isinstance(record, ProducerId) and entry.topic == self._topics.producers:
            self._producers[record.key].append(Placed(entry.offset, entry.timestamp_ms, record))

    async def token(self, mirror_topic_id: str, partition: int, basis: Basis) -> Token:
        """Return the right to one claim computed from `basis`. Raises NoToken."""
        claim = Claim.of(mirror_topic_id, partition, basis, self._worker)
        for _ in range(MOST_TRIES):
            offset = await self._write(self._topics.claims, claim.key, claim)
            placed = next((c for c in self._claims[claim.key] if c.offset == offset), None)
            if placed is None:
                raise NoToken(f"claim record {offset} of {claim.key} is gone")
            token = usable(placed, self._claims[claim.key])
            if token is not None:
                return token
        raise NoToken(f"all tokens of {claim.key} {basis} are in use")

    async def producer(
        self,
        mirror_topic_id: str,
        partition: int,
        allocate: Callable[[], Awaitable[tuple[int, bool]]],
        retired: int | None = None,
    ) -> ProducerId:
        """Return the producer id with which to write to a mirror partition, agreeing on a new one where there is none.

        `retired`: the id that a reading showed to be retired; its successor is returned. `allocate` gets an id from the
        cluster (InitProducerId; never made up, since it could be somebody else's) and says whether it is transactional.
        Raises Closed where the mirror has stopped.
        """
        key = partition_key(mirror_topic_id, partition)
        found = current(self._producers[key])
        while found is None or found.producer_id == retired:
            producer_id, is_transactional = await allocate()
            generation = next_generation(found)
            proposal = ProducerId(mirror_topic_id, partition, generation, producer_id, self._worker, is_transactional)
            await self._write(self._topics.producers, f"{key}/{proposal.generation}/{proposal.producer_id}", proposal)
            found = current(self._producers[key])
        if found.is_closing:
            raise Closed(f"mirror partition {key} has stopped")
        return found

    async def check_open(self, mirror_topic_id: str, partition: int) -> None:
        """Raise Closed where a mirror partition was closed before this call, whoever closed it."""
        if self.tail is None:
            raise RuntimeError("the registry has no tail")
        async with asyncio.timeout(30):
            await self.tail.catch_up(self._topics.producers, 0)
        found = current(self._producers[partition_key(mirror_topic_id, partition)])
        if found is not None and found.is_closing:
            raise Closed(f"mirror partition {found.key} has stopped")

    async def close(self, mirror_topic_id: str, partition: int) -> ProducerId | None:
        """Let nobody have a producer id for a mirror partition any more; may be repeated.

        Returns the last one that was given out, which is still to be retired, or None if there never was one. Raises
        Reopened where another has closed it meanwhile, and it is a mirror's again since: then the wish is of the past.
        """
        key = partition_key(mirror_topic_id, partition)
        begun = next_generation(current(self._producers[key]))
        while (found := current(self._producers[key])) is None or not found.is_closing:
            if was_closed(self._producers[key], begun):
                raise Reopened(f"mirror partition {key} is a mirror's again")
            # never the same number twice: two closings under one key would lose their order to compaction
            nobody = -1 - secrets.randbelow(2**62)
            closing = ProducerId(mirror_topic_id, partition, next_generation(found), nobody, self._worker)
            await self._write(self._topics.producers, f"{key}/{closing.generation}/{nobody}", closing)
        return last_open(self._producers[key])

    async def reopen(
        self, mirror_topic_id: str, partition: int, allocate: Callable[[], Awaitable[tuple[int, bool]]]
    ) -> None:
        """Let a partition that was closed have a producer id again: its topic becomes a mirror once more (MIRROR-71).

        May be repeated. `allocate` as for `producer`.
        """
        key = partition_key(mirror_topic_id, partition)
        while (found := current(self._producers[key])) is not None and found.is_closing:
            producer_id, is_transactional = await allocate()
            generation = next_generation(found)
            proposal = ProducerId(mirror_topic_id, partition, generation, producer_id, self._worker, is_transactional)
            await self._write(self._topics.producers, f"{key}/{generation}/{producer_id}", proposal)

    async def forget(self, mirror_topic_id: str) -> None:
        """Remove the producer ids of a mirror that is deleted; its topic id never comes back."""
        for key in [k for k in self._producers if k.startswith(mirror_topic_id + "/")]:
            for placed in self._producers[key]:
                record = placed.record
                await self._sender.send(
                    self._topics.producers, f"{key}/{record.generation}/{record.producer_id}", None, partition=0
                )

    async def _write(self, topic: str, key: str, record: Claim | ProducerId) -> int:
        """Write a record and wait until this worker has read it, and so everything before it."""
        kind = "claim" if isinstance(record, Claim) else "producer-id"
        offset = await self._sender.send(topic, key, {"kind": kind, **record.to_json()}, partition=0)
        if self.tail is None:
            raise RuntimeError("the registry has no tail")
        async with asyncio.timeout(30):
            await self.tail.wait_for(topic, 0, offset)
        return offset


def _mirror_partition(key: str) -> tuple[str, int]:
    """The mirror topic id and partition in a key of the producers topic."""
    topic_id, partition, *_ = key.split("/")
    return topic_id, int(partition)
