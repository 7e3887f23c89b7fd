"""Fetch from one source broker for one link, and hand what comes to the link's agent slice by slice.

One request is out at a time, on a connection of its own; the next one leaves as soon as the slices of the last are
handed over, so reading runs ahead of appending as far as memory allows (I5). A partition whose copier holds enough is
left out until it has caught up: it waits for nobody and nobody waits for it (I6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.link.errors import MirrorFailure
from pipeline.metrics.meter import METER
from pipeline.mirror.epochs import Epochs
from pipeline.mirror.memory import MemoryBudget, Share
from pipeline.mirror.pieces import now_ms
from pipeline.mirror.sessions import FetchSession, Key, Limits
from pipeline.mirror.slices import Slice, SliceSink, SliceTaker
from pipeline.mirror.source_batches import batches_of, sound, unreadable
from pipeline.mirror.throttle import Throttle
from pipeline.mirror.verdicts import Api, Verdict, judge
from pipeline.wire.batch import BatchHeader, CorruptBatch, UnsupportedMagic, scan
from pipeline.wire.requests.codec import NO_TOPIC_ID
from pipeline.wire.requests.fetch import FetchedPartition, FetchResponse

log = logging.getLogger(__name__)
CATCHING_UP_WAIT_MS = 10
POLL_BYTES = 1 << 20


class Fetched(SliceTaker, Protocol):
    """What a fetcher needs of a copier."""

    key: Key
    expected_offset: int
    """Where the next slice has to begin."""
    generation: int
    """Grows with every rewind; slices of an older one are of no use."""
    epochs: Epochs

    @property
    def is_troubled(self) -> bool:
        """Whether something was refused since it last wrote: then batches are checked as they come."""

    def source_topic_id(self) -> UUID | None: ...

    def read_in(self, answered_ms: Callable[[], int] | None) -> None:
        """Its partition is asked for from now on, in a session that was answered last at that time; or it is not."""

    def is_slow(self) -> bool:
        """Whether it has had something to write for a while, and nothing of it was settled."""

    def offered(self, piece: Slice) -> bool:
        """A slice is on its way; returns whether more is wanted after it."""

    def seen(self, high_watermark: int, last_stable_offset: int, log_start_offset: int) -> None:
        """The source answered, with or without records."""

    def source_error(self, code: int, offset: int) -> None:
        """The source broker refused to read this partition."""

    def diverged(self, epoch: int, end: int) -> None:
        """The source's log left the leader epoch that was named at `end`, below where it was to be read."""

    def source_failure(self, failure: MirrorFailure) -> None:
        """What was read cannot be mirrored exactly (I4)."""


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """LINK-54, 60..64 as this fetcher uses them; read anew for every request, so that changes are hot (LINK-10)."""

    partition_max_bytes: int = 5 << 20
    response_max_bytes: int = 10 << 20
    min_bytes: int = 1
    max_wait_ms: int = 500
    backoff_ms: int = 1_000
    timeout_ms: int = 30_000


@dataclass(eq=False)
class Fetcher:
    """Reads the partitions it is given from source broker `node_id`."""

    link: str
    node_id: int
    client: DataClient
    budget: MemoryBudget
    sink: SliceSink
    settings: Callable[[], FetchSettings]
    throttle: Throttle
    report: Callable[[ClusterError | None], None]
    session: FetchSession = field(default_factory=FetchSession)

    def __post_init__(self) -> None:
        self._broker = str(self.node_id)
        self.error: ClusterError | None = None
        self._answered_ms = 0
        self._copiers: dict[Key, Fetched] = {}
        self._held_back: set[Key] = set()
        self._suspect: dict[Key, int] = {}
        self._wake = asyncio.Event()
        self._had_data = True
        self._task = asyncio.create_task(self._run(), name=f"fetch {self.link} from broker {self.node_id}")

    def read(self, copier: Fetched, offset: int) -> None:
        """Read this copier's partition from `offset` on."""
        self._copiers[copier.key] = copier
        self._held_back.discard(copier.key)
        self.session.want(copier.key, offset, copier.source_topic_id(), copier.epochs.before(offset))
        copier.read_in(lambda: self._answered_ms)
        self._wake.set()

    def hold_back(self, copier: Fetched) -> None:
        """Leave this copier's partition out until it is to be read again."""
        if copier.key in self._copiers:
            self._held_back.add(copier.key)
            self._drop(copier)

    def leave(self, copier: Fetched) -> None:
        """The partition is not this fetcher's any more."""
        if self._copiers.pop(copier.key, None) is not None:
            self._held_back.discard(copier.key)
            self._suspect.pop(copier.key, None)
            self._drop(copier)

    def _drop(self, copier: Fetched) -> None:
        self.session.drop(copier.key)
        copier.read_in(None)

    @property
    def is_dead(self) -> bool:
        """Whether it reads no more."""
        return self._task.done()

    async def close(self) -> None:
        """End reading and close the connection."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.client.close()

    async def _run(self) -> None:
        while True:
            while self.session.is_idle:
                self._wake.clear()
                await self._wake.wait()
            settings = self.settings()
            most = settings.response_max_bytes if self._had_data else min(POLL_BYTES, settings.response_max_bytes)
            size = min(most, self.budget.allowance)
            share = await self.budget.take(size)
            try:
                await self._exchange(settings, size, share)
            except ClusterError as error:
                self.session.reset()
                self.error = error
                self.report(error)
                await asyncio.sleep(settings.backoff_ms / 1000)
            except Exception:
                log.exception("Fetching for link %s from broker %d failed", self.link, self.node_id)
                self.session.reset()
                await asyncio.sleep(settings.backoff_ms / 1000)
            finally:
                share.release()

    async def _exchange(self, settings: FetchSettings, size: int, share: Share) -> None:
        await self.throttle.wait()
        wait_ms = CATCHING_UP_WAIT_MS if self._held_back else settings.max_wait_ms
        each = min(settings.partition_max_bytes, size, self.budget.slice_allowance)
        limits = Limits(wait_ms, settings.min_bytes, size, each)
        METER.add("clusterlink_fetch_requests_total", self.link, self._broker)
        response: FetchResponse = await self.client.send(
            self.node_id, self.session.request(limits), settings.timeout_ms + wait_ms
        )
        self.error = None
        self.report(None)
        if response.throttle_ms:
            METER.observe("clusterlink_fetch_throttle_seconds", response.throttle_ms / 1000, self.link)
        if response.error_code:
            self.session.reset()
            if judge(Api.FETCH, response.error_code, remote=True).verdict is not Verdict.NEW_SESSION:
                self._refused(response.error_code)
                await asyncio.sleep(settings.backoff_ms / 1000)
            return
        self.session.answered(response.session_id)
        self._answered_ms = now_ms()
        received = sum(len(p.records) for p in response.partitions)
        self.throttle.spend(received)
        share.resize(received)
        self._had_data = received > 0
        for fetched in response.partitions:
            await self._take(fetched, share)

    def _refused(self, code: int) -> None:
        """The whole request was refused: that concerns each partition that it was for, and each judges it (I4)."""
        for key, copier in list(self._copiers.items()):
            position = self.session.sent(key)
            if self.session.wants(key) and position == copier.expected_offset:
                self._drop(copier)
                copier.source_error(code, position)

    async def _take(self, fetched: FetchedPartition, share: Share) -> None:
        key = (fetched.topic, fetched.partition)
        copier = self._copiers.get(key)
        position = self.session.sent(key)
        if copier is None or position != copier.expected_offset:
            return  # rewound while the request was out: the next request says from where
        if fetched.topic_id not in (NO_TOPIC_ID, copier.source_topic_id()):
            return  # asked for before its topic was made again
        if fetched.error_code or fetched.diverging is not None:
            self._drop(copier)
            if fetched.diverging is not None and not fetched.error_code:
                copier.diverged(*fetched.diverging)
            else:
                copier.source_error(fetched.error_code, position)
            return
        copier.seen(fetched.high_watermark, fetched.last_stable_offset, fetched.log_start_offset)
        if not fetched.records:
            return
        found = self._read_batches(copier, position, fetched)
        if found is None:
            return
        records, headers, is_checked = found
        if copier.is_slow():  # it would keep the whole response, with what others have long written
            records, share = memoryview(bytes(records)), self.budget.add(len(records))
        else:
            share.hold()
        piece = Slice(
            copier,
            copier.generation,
            position,
            headers,
            records,
            fetched.aborted,
            fetched.high_watermark,
            fetched.last_stable_offset,
            fetched.log_start_offset,
            share,
            is_checked=is_checked,
        )
        copier.epochs.saw(headers)
        if copier.offered(piece):
            self.session.want(key, piece.next_offset, copier.source_topic_id(), copier.epochs.before(piece.next_offset))
        else:
            self._held_back.add(key)
            self._drop(copier)
        await self.sink.put(piece)

    def _read_batches(
        self, copier: Fetched, position: int, fetched: FetchedPartition
    ) -> tuple[memoryview, Sequence[BatchHeader], bool] | None:
        """The batches that can be read, and whether they were checked; None where there is none, and the copier is told
        if that stays so.
        """
        is_checked = copier.is_troubled
        try:
            records, headers = batches_of(fetched.records, check_crc=is_checked)
        except (UnsupportedMagic, CorruptBatch) as error:
            records, is_checked = sound(fetched.records), True
            if not records:
                if self._suspect.get(copier.key) != position:  # maybe damaged on its way: read it once more
                    self._suspect[copier.key] = position
                    return None
                self._drop(copier)
                copier.source_failure(unreadable(copier.key, error))
                return None
            headers = scan(records, check_crc=False)  # these first; the next fetch begins at what cannot be read
        return (records, headers, is_checked) if headers else None
