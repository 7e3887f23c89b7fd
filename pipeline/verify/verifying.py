"""Compare a source topic with its mirror, record by record (CLI-55, I1, I2).

The ends are fixed at the start: a partition is compared up to the source's last stable offset of that moment, which
is where a read_committed consumer gets and where a mirror stops. The mirror is given time to get there, for as long
as it keeps moving. Records are streamed; what is in memory is a few chunks and librdkafka's bounded queues, whatever
the topics' sizes.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from confluent_kafka import KafkaException

from pipeline.verify.aio_sides import AioSide, needs_tickets
from pipeline.verify.collecting import rarer_collections
from pipeline.verify.errors import Stopped, Unreachable, VerifyError
from pipeline.verify.lane import Lane, Totals
from pipeline.verify.report import Bounds, Difference, PartitionReport, Progress, Report
from pipeline.verify.sides import RdSide, Side, TopicSettings

ON_EVENT_LOOP_EVERY_S = 0.2
POLL_MIRROR_S = 0.1


async def verify(
    source: Mapping[str, str],
    destination: Mapping[str, str],
    source_topic: str,
    mirror_topic: str,
    *,
    from_offset: int | None = None,
    to_offset: int | None = None,
    sample: float = 1.0,
    committed_only: bool = False,
    progress: Callable[[Progress], None] | None = None,
    patience_s: float = 10.0,
    lanes: int = 4,
) -> Report:
    """Compare the two topics and say what was compared and what differs first.

    source and destination are Kafka client properties by their Java names. from_offset and to_offset (exclusive)
    narrow the range of every partition; sample < 1 compares about that share of it, in blocks. committed_only leaves
    out what only read_uncommitted consumers see of the mirror: the aborted records of a log that was the source's
    before a reverse. progress is called on the event loop a few times a second. patience_s is how long a mirror that
    is behind may stand still before its end counts as final. lanes partitions are compared at a time. Raises
    VerifyError where no comparison is possible; a difference is in the Report.
    """
    if not 0 < sample <= 1:
        raise VerifyError(f"sample: {sample} is not in (0, 1]")
    job = _Job(
        side("source", source, source_topic),
        side("mirror", destination, mirror_topic),
        from_offset=from_offset,
        to_offset=to_offset,
        sample=sample,
        committed_only=committed_only,
        patience_s=patience_s,
        lanes=lanes,
    )
    work = asyncio.ensure_future(asyncio.to_thread(job.run))
    try:
        while not (await asyncio.wait([work], timeout=ON_EVENT_LOOP_EVERY_S))[0]:
            if progress:
                progress(job.totals.progress())
        report = work.result()
    except KafkaException as error:
        raise Unreachable(str(error)) from error
    finally:
        job.stop.set()
    if progress:
        progress(job.totals.progress())
    return report


def side(name: str, configs: Mapping[str, str], topic: str) -> Side:
    """The topic on the cluster of these client properties. Raises BadProperty, or VerifyError where no client comes of
    them.
    """
    return AioSide(name, configs, topic) if needs_tickets(configs) else RdSide(name, configs, topic)


class _Job:
    """One verification, in threads of its own: librdkafka's calls block."""

    def __init__(
        self,
        source: Side,
        mirror: Side,
        *,
        from_offset: int | None,
        to_offset: int | None,
        sample: float,
        committed_only: bool,
        patience_s: float,
        lanes: int,
    ) -> None:
        self.stop = threading.Event()
        self.totals = Totals()
        self._source, self._mirror = source, mirror
        self._from, self._to = from_offset or 0, to_offset
        self._sample, self._patience_s, self._lanes = sample, patience_s, lanes
        self._committed_only = committed_only

    def run(self) -> Report:
        try:
            with rarer_collections():
                return self._run()
        finally:
            self._source.close()
            self._mirror.close()

    def _run(self) -> Report:
        began = time.monotonic()
        counts = self._source.partitions(), self._mirror.partitions()
        settings = self._source.settings(), self._mirror.settings()
        compacted = judged_as_compacted(*settings)
        report = Report(
            self._source.topic,
            self._mirror.topic,
            (),
            compacted,
            self._sample,
            0.0,
            notes=_notes(settings, self._sample),
        )
        if counts[0] != counts[1]:
            return replace(
                report, topic_difference=Difference(None, None, "partitions", str(counts[0]), str(counts[1]))
            )
        plans = self._plans(counts[0])
        self.totals.total_offsets = sum(max(0, plan.end - plan.first) for plan in plans)
        with ThreadPoolExecutor(max(1, min(self._lanes, len(plans))), "verify") as pool:
            shares = [plans[at :: self._lanes] for at in range(self._lanes)]
            done = [each for found in pool.map(lambda share: self._compare(share, compacted), shares) for each in found]
        done.sort(key=lambda each: each.partition)
        return replace(report, partitions=tuple(done), seconds=time.monotonic() - began)

    def _compare(self, plans: list[PartitionReport], compacted: bool) -> list[PartitionReport]:
        if not plans:
            return []
        lane = Lane(
            self._source,
            self._mirror,
            sample=self._sample,
            committed_only=self._committed_only,
            is_compacted=compacted,
            totals=self.totals,
            stop=self.stop,
        )
        done = []
        try:
            for plan in plans:
                done.append(lane.compare(plan))
                if done[-1].difference:
                    self.stop.set()
                if self.stop.is_set():
                    break
        except Stopped:
            pass
        except BaseException:
            self.stop.set()
            raise
        finally:
            lane.close()
        return done

    def _plans(self, partitions: int) -> list[PartitionReport]:
        """Fix what is to be compared of every partition."""
        before = self._source.bounds(range(partitions))
        most = self._to if self._to is not None else sys.maxsize
        wanted = {at: min(bounds.stable_end, most) for at, bounds in before.items()}
        mirrored = self._await_mirror(wanted)
        after = self._source.bounds(range(partitions))
        return [
            plan(at, replace(after[at], stable_end=wanted[at]), mirrored[at], after[at].stable_end, self._from)
            for at in range(partitions)
        ]

    def _await_mirror(self, wanted: Mapping[int, int]) -> dict[int, Bounds]:
        """The mirror's bounds once it has all that is wanted, or has stood still for patience_s."""
        behind: int | None = None
        patience_ends = time.monotonic() + self._patience_s
        while True:
            bounds = self._mirror.bounds(wanted)
            now_behind = sum(max(0, end - min(bounds[at].end, bounds[at].stable_end)) for at, end in wanted.items())
            if behind is None or now_behind < behind:
                behind, patience_ends = now_behind, time.monotonic() + self._patience_s
            if not behind or time.monotonic() > patience_ends or self.stop.wait(POLL_MIRROR_S):
                return bounds


def judged_as_compacted(source: TopicSettings | None, mirror: TopicSettings | None) -> bool:
    """Whether records may be missing on either side. The source says so, where it may be asked: of a source that keeps
    every record nothing may be missing, whatever somebody has set on the mirror.
    """
    return next((each.is_compacted for each in (source, mirror) if each is not None), False)


def plan(partition: int, source: Bounds, mirror: Bounds, source_later: int, from_offset: int) -> PartitionReport:
    """The range to compare, and what the bounds alone show to be different.

    source.stable_end is how far to compare; source_later the source's last stable offset, read after the mirror's
    bounds: a mirror must not be ahead of it. Its end must be reached by both kinds of consumers. Its log may begin
    before the source's (retention is each side's own), not after it unless the caller asked for a range: then
    records of the source have no counterpart.
    """
    wanted, reached = source.stable_end, min(mirror.end, mirror.stable_end)
    first = max(source.start, mirror.start, from_offset)
    end = max(first, min(wanted, reached))
    difference, notes = None, []
    if mirror.start > max(source.start, from_offset) and source.start < wanted:
        difference = Difference(partition, None, "log start offset", str(source.start), str(mirror.start))
    elif reached < wanted:
        name = "last stable offset" if mirror.end >= wanted else "log end offset"
        difference = Difference(partition, None, name, str(wanted), str(reached))
    elif mirror.end > source_later:
        difference = Difference(partition, None, "log end offset", str(source_later), str(mirror.end))
    if mirror.start < source.start:
        notes.append(f"offsets {mirror.start}..{source.start} are gone at the source and were not compared")
    return PartitionReport(partition, source, mirror, first, end, 0, 0, 0, difference, tuple(notes))


def _notes(settings: tuple[TopicSettings | None, TopicSettings | None], sample: float) -> tuple[str, ...]:
    notes = []
    if None in settings:
        notes.append("a topic's configuration may not be read: compared as not compacted")
    source, mirror = settings
    if source and mirror and source.is_compacted != mirror.is_compacted:
        notes.append(
            f"only the {'source' if source.is_compacted else 'mirror'} is compacted: compared as the source is"
        )
    if source and mirror and source.timestamp_type != mirror.timestamp_type:
        notes.append(
            f"timestamp type: source {source.timestamp_type}, mirror {mirror.timestamp_type}; the timestamps themselves"
            " were compared (while it mirrors, a mirror keeps what the source's broker has set as CreateTime)"
        )
    if sample < 1:
        notes.append(f"a sample of {sample:.0%} in blocks was compared, first and last block included")
    return tuple(notes)
