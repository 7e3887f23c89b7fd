"""Everything a worker runs for one link: the source's client, a fetcher for each source broker, a copier for each
piece.

Routes each piece to the fetcher of its source leader, follows leader moves, and knows whether the source answers.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, Unreachable
from pipeline.cluster.metadata import TopicInfo
from pipeline.metrics.meter import METER
from pipeline.mirror.answers import accept
from pipeline.mirror.epochs import UNKNOWN
from pipeline.mirror.fetching import Fetcher, FetchSettings
from pipeline.mirror.intake import Intake
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.sessions import Key
from pipeline.mirror.slices import Slice, SliceSink
from pipeline.mirror.source_batches import batches_of, visible_records
from pipeline.mirror.throttle import Throttle
from pipeline.mirror.verdicts import Api
from pipeline.wire.records import Record
from pipeline.wire.requests.codec import NO_TOPIC_ID
from pipeline.wire.requests.fetch import FetchedPartition, FetchPartition, FetchRequest, FetchResponse
from pipeline.wire.requests.list_offsets import EARLIEST, LATEST, ListOffsetsRequest, OffsetQuery

SOURCE_SILENT = "the source's broker does not answer"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkTuning:
    """What a link's properties say about fetching; replaced whole when they change (LINK-10)."""

    fetch: FetchSettings = field(default_factory=FetchSettings)
    metadata_max_age_ms: int = 300_000
    max_bytes_per_second: int = -1
    streams: int = 1
    retry_timeout_s: float = 300.0


class LinkCopying:
    """The copying of one link on this worker."""

    def __init__(
        self, link: str, source: DataClient, budget: MemoryBudget, sink: SliceSink, tuning: LinkTuning
    ) -> None:
        self.link = link
        self.source = source
        self.tuning = tuning
        self.sink = sink
        self.error: ClusterError | None = None
        self.throttle = Throttle(lambda: self.tuning.max_bytes_per_second)
        self._budget = budget
        self._fetchers: dict[tuple[int, int], Fetcher] = {}
        self._at: dict[Key, Fetcher] = {}
        self._copiers: dict[Key, Intake] = {}
        self._led_by: dict[Key, int] = {}
        self._asking_alone = asyncio.Semaphore(1)  # a batch comes whole, on top of what fetchers hold (I5)
        self._refresh_wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; copiers may be added at once."""
        await self.sink.start()
        self._task = asyncio.create_task(self._keep_metadata(), name=f"source metadata of {self.link}")

    async def stop(self) -> None:
        """End fetching; copiers are stopped by whoever added them."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(f.close() for f in self._fetchers.values()))
        await self.sink.stop()
        await self.source.close()

    def tune(self, tuning: LinkTuning) -> None:
        """Take up changed properties (LINK-10). Fetchers look at them themselves, but for how many streams there are:
        then pieces go to the stream that is theirs now (LINK-39). One without any waits for the next, or for the end.
        """
        before, self.tuning = self.tuning, tuning
        if tuning.streams == before.streams:
            return
        for key, fetcher in list(self._at.items()):
            if (copier := self._copiers.get(key)) is not None:
                self._move(copier, fetcher, fetcher.node_id)

    def add(self, copier: Intake) -> None:
        self._copiers[copier.key] = copier
        self._refresh_wanted.set()

    def remove(self, copier: Intake) -> None:
        self._copiers.pop(copier.key, None)
        self._led_by.pop(copier.key, None)
        fetcher = self._at.pop(copier.key, None)
        if fetcher is not None:
            fetcher.leave(copier)
        if copier.key[0] not in {key[0] for key in self._copiers}:
            self.source.forget([copier.key[0]])

    async def read(self, copier: Intake, offset: int) -> None:
        """Have a copier's partition read from `offset` on. Raises ClusterError while its source leader is not known."""
        node = await self.source.find_leader(*copier.key)
        if self._copiers.get(copier.key) is copier and copier.expected_offset == offset:  # it may have ended meanwhile
            self._fetcher(node, copier).read(copier, offset)

    async def moved(self, copier: Intake) -> None:
        """The source said that the leader is another: ask, once for all who ask now."""
        if (fetcher := self._at.pop(copier.key, None)) is not None:
            fetcher.leave(copier)
        await self.source.refresh([copier.key[0]])

    def hold_back(self, copier: Intake) -> None:
        """Do not read a copier's partition until it asks again."""
        if (fetcher := self._at.get(copier.key)) is not None:
            fetcher.hold_back(copier)

    def rest(self, copier: Intake) -> None:
        """As `hold_back`, but not because it has enough: nobody waits for it to go on soon."""
        if (fetcher := self._at.get(copier.key)) is not None:
            fetcher.leave(copier)

    async def offsets(self, topic: str, partition: int) -> tuple[int, int]:
        """Log start and high watermark of a source partition, asked for now. Raises as `accept`."""
        node = await self.source.find_leader(topic, partition)
        ends = []
        for timestamp in (EARLIEST, LATEST):
            response = await self.source.send(node, ListOffsetsRequest([OffsetQuery(topic, partition, timestamp)]))
            code = response.partitions[0].error_code
            accept(Api.LIST_OFFSETS, code, "DESCRIBE", f"topic {topic}", remote=True)
            ends.append(int(response.partitions[0].offset))
        return ends[0], ends[1]

    async def empty_from(self, copier: Intake, offset: int) -> Slice | None:
        """Ask for this partition alone: an empty slice where the log has no batch from `offset` to the last stable
        offset, None where it has one, or one cannot tell (plan.py). What comes is not kept: the fetcher reads it again.
        """
        async with self._asking_alone:
            found = await self._fetch_alone(copier, offset)
        if found is None or found.error_code or found.records:
            return None
        if found.last_stable_offset <= offset:
            return None
        return Slice(
            copier,
            copier.generation,
            offset,
            (),
            memoryview(b""),
            (),
            found.high_watermark,
            found.last_stable_offset,
            found.log_start_offset,
            self._budget.add(0),
            found.last_stable_offset,
        )

    async def visible_at(self, copier: Intake, offset: int) -> tuple[int, list[Record]]:
        """The source's batch that holds `offset`, or the next one: its leader epoch, and the records that consumers see
        of it. UNKNOWN and none where nothing is left from there to the last stable offset.

        Raises as `accept`, and Unreachable while it cannot be said (a quota, a tiered segment that takes its time).
        """
        async with self._asking_alone:
            found = await self._fetch_alone(copier, offset)
            if found is not None:
                accept(Api.FETCH, found.error_code, "READ", f"topic {copier.key[0]}", remote=True)
                records, headers = batches_of(found.records)
                held = next((header for header in headers if header.last_offset >= offset), None)
                if held is not None:
                    return held.leader_epoch, visible_records(records, held, found.aborted)
        if found is None or (found.last_stable_offset > offset and not copier.piece.is_compacted):
            raise Unreachable(f"{copier.piece}: the source did not tell what it has at offset {offset}")
        return UNKNOWN, []

    async def _fetch_alone(self, copier: Intake, offset: int) -> FetchedPartition | None:
        """The answer for this partition alone; None where a quota left it out. Raises as `accept`."""
        topic, partition = copier.key
        node = await self.source.find_leader(topic, partition)
        topic_id = copier.source_topic_id()
        wanted = FetchPartition(topic, partition, offset, topic_id or NO_TOPIC_ID, max_bytes=1)
        names = {topic_id: topic} if topic_id is not None else {}
        request = FetchRequest([wanted], self.tuning.fetch.max_wait_ms, max_bytes=1, names=names)
        response: FetchResponse = await self.source.send(node, request)
        accept(Api.FETCH, response.error_code, "READ", f"topic {topic}", remote=True)
        found = response.partitions[0] if response.partitions else None
        return None if found is None or (response.throttle_ms and not found.records) else found

    def trouble(self, copier: Intake) -> str:
        """Why a piece's source cannot be read, in words; empty where it can."""
        fetcher = self._at.get(copier.key)
        if fetcher is None or fetcher.error is None:
            return ""
        try:
            self.source.leader(*copier.key)
        except ClusterError as error:
            return str(error)
        return SOURCE_SILENT

    @property
    def dead_fetchers(self) -> int:
        """Fetchers whose task has ended although nobody closed them (MET-3)."""
        return sum(fetcher.is_dead for fetcher in self._fetchers.values())

    async def find_topic(self, topic: str) -> TopicInfo:
        """Ask the source now for a topic; a missing one comes back with error 3."""
        return (await self.source.topics([topic]))[topic]

    def _fetcher(self, node: int, copier: Intake) -> Fetcher:
        stream = hash(copier.key) % self.tuning.streams
        fetcher = self._fetchers.get((node, stream))
        if fetcher is None:
            fetcher = self._fetchers[node, stream] = Fetcher(
                self.link,
                node,
                self.source.fork(),
                self._budget,
                self.sink,
                lambda: self.tuning.fetch,
                self.throttle,
                self._report,
            )
        before = self._at.get(copier.key)
        if before is not None and before is not fetcher:
            before.leave(copier)
        led_by = self._led_by.get(copier.key, node)
        if led_by != node:
            METER.add("clusterlink_source_leader_changes_total", self.link, copier.piece.mirror_topic)
        self._led_by[copier.key] = node
        self._at[copier.key] = fetcher
        return fetcher

    def _report(self, error: ClusterError | None) -> None:
        """A fetch worked or did not. Leaders are looked for again after each failure: the first look may come before
        the cluster has noticed that a broker is gone.
        """
        if error is not None:
            self._refresh_wanted.set()
            if self.error is None:
                log.warning("Link %s: the source does not answer: %s", self.link, error)
        self.error = error

    async def _keep_metadata(self) -> None:
        """Read the source's metadata when it is old (LINK-52) or when somebody asked; and move pieces to new
        leaders.
        """
        while True:
            age_s = self.tuning.metadata_max_age_ms / 1000
            try:
                async with asyncio.timeout(age_s):
                    await self._refresh_wanted.wait()
            except TimeoutError:
                pass
            self._refresh_wanted.clear()
            try:
                await self.source.refresh({key[0] for key in self._copiers})
                self._follow_leaders()
            except ClusterError as error:
                self._report(error)
                await asyncio.sleep(self.tuning.fetch.backoff_ms / 1000)
                self._refresh_wanted.set()

    def _follow_leaders(self) -> None:
        for key, fetcher in list(self._at.items()):
            copier = self._copiers.get(key)
            try:
                leader = self.source.leader(*key)
            except ClusterError:
                continue
            if copier is not None and leader != fetcher.node_id:
                self._move(copier, fetcher, leader)

    def _move(self, copier: Intake, fetcher: Fetcher, node: int) -> None:
        """Have what `fetcher` reads of a copier's partition read from another broker or by another stream."""
        is_read = fetcher.session.wants(copier.key)
        fetcher.leave(copier)
        del self._at[copier.key]
        if is_read:  # else the copier asks itself
            self._fetcher(node, copier).read(copier, copier.expected_offset)
