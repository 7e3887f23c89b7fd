"""Follow partitions that are added at the source, and refuse to go on where some have gone (MIRROR-92, MIRROR-41).

The source's counts are asked for every `metadata.max.age.ms`. New partitions are made on the mirror first; then the row
says so, and the workers begin to copy them from offset 0. A worker that dies in between leaves a topic with partitions
that the row does not know: the next look finds the same and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.draining import is_draining
from pipeline.lifecycle.duties import IDLE_S, MOST_ROWS_AT_ONCE, Duty
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import MirrorFailure
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkState, MirrorError, MirrorStatus
from pipeline.link.transitions import fail
from pipeline.metrics.meter import METER

log = logging.getLogger(__name__)
INVALID_PARTITIONS = 37
"""The topic has as many partitions or more: somebody, maybe this worker before it died, was here before."""


class PartitionCounts(Duty):
    """Watches the partition counts of one link's source topics."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._counts: dict[str, tuple[Mirror, int]] = {}
        self._refused: dict[str, tuple[TaskError, ...]] = {}
        """By mirror topic, as of the last look: why it cannot have its source's partitions; empty where it has them."""
        self._looked = float("-inf")

    async def run(self) -> None:
        while True:
            link = self.reachable()
            following = [m for m in self.mirrors() if is_following(m)]
            if link is None or link.state is not LinkState.ACTIVE or not following:
                await self.rows_change()
                continue
            age_s = LinkSettings.of(link.configs).metadata_max_age_ms / 1000  # as it is now: LINK-10
            # a promotion waits for partitions that were just added (`final_configs`), so it does not wait for long
            due = self._looked + (min(age_s, IDLE_S) if any(map(is_draining, following)) else age_s)
            if (left := due - time.monotonic()) > 0:
                await self.rows_change(min(IDLE_S, left))
                continue
            if await self._look(link, following):
                self._looked = time.monotonic()
            else:
                await asyncio.sleep(min(age_s, IDLE_S))

    def decide(self, decision: Decision) -> None:
        for topic, (seen, count) in list(self._counts.items())[:MOST_ROWS_AT_ONCE]:
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or not is_following(mirror) or is_another(mirror, seen):
                del self._counts[topic]
            elif count > mirror.partitions:
                log.info("Link %s: %s grows from %d to %d partitions", self.link, topic, mirror.partitions, count)
                decision.put_mirror(grown(mirror, count))
                METER.add("clusterlink_mirror_partitions_added_total", self.link, by=count - mirror.partitions)
            elif mirror.status is MirrorStatus.ACTIVE:
                after, change = fail(mirror, shrunk(mirror, count), now_ms())
                decision.put_mirror(after)
                decision.note(change)
            else:
                del self._counts[topic]
        self._list_refusals(decision)

    def _list_refusals(self, decision: Decision) -> None:
        """Records of partitions that the mirror cannot get stay behind: whoever looks at the mirror is told."""
        if not decision.is_empty:
            return
        for topic, errors in list(self._refused.items())[:MOST_ROWS_AT_ONCE]:
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is not None and mirror.status is MirrorStatus.ACTIVE:
                decision.list_errors(mirror, errors)

    async def _look(self, link: Link, mirrors: list[Mirror]) -> bool:
        """Ask for the counts; whether the source has told them."""
        try:
            found = await (await self.context.remote(link)).describe_topics({m.source_topic for m in mirrors})
        except ClusterError as error:
            log.info("Link %s: partition counts cannot be read: %s", self.link, error)
            return False
        refused: dict[str, tuple[TaskError, ...]] = {}
        for mirror in mirrors:
            source = found[mirror.source_topic]
            count = len(source.partitions)
            if source.error or source.topic_id != mirror.source_topic_id:
                continue  # gone, or another topic of its name: the copiers find out, and say so
            if mirror.transition_errors:
                refused[mirror.mirror_topic] = ()
            if count == mirror.partitions:
                continue
            if count > mirror.partitions and (met := await self._add(mirror, count)) is not None:
                refused[mirror.mirror_topic] = (met,)
                continue
            self._counts[mirror.mirror_topic] = mirror, count
        self._refused = refused
        self.wake()
        return True

    async def _add(self, mirror: Mirror, count: int) -> TaskError | None:
        """Make the missing partitions; why that cannot be."""
        topic = mirror.mirror_topic
        try:
            await self.context.own.create_partitions(topic, count)
        except ClusterError as error:
            if error.code != INVALID_PARTITIONS:
                log.warning("Link %s: %s cannot get %d partitions: %s", self.link, topic, count, error)
                met = task_error(error, "destination")
                text = f"{met.error_message}. {topic} has {mirror.partitions} partitions, its source {count}: what the "
                return replace(met, error_message=f"{text}others have is not mirrored")
            found = (await self.context.own.describe_topics([topic]))[topic]
            if len(found.partitions) > count:
                log.error(
                    "Link %s: %s has %d partitions, its source %d; those that nobody mirrors should go (MIRROR-93)",
                    self.link,
                    topic,
                    len(found.partitions),
                    count,
                )
        return None


def is_following(mirror: Mirror) -> bool:
    """Whether the mirror gets what its source has: not one that waits, has failed, or stops. One that has stopped keeps
    the partitions that were mirrored.
    """
    return mirror.status is MirrorStatus.ACTIVE or is_draining(mirror)


def is_another(mirror: Mirror, seen: Mirror) -> bool:
    """Whether it is not the mirror that was looked at, or has grown since."""
    return (mirror.mirror_topic_id, mirror.partitions) != (seen.mirror_topic_id, seen.partitions)


def grown(mirror: Mirror, count: int) -> Mirror:
    """The mirror with as many partitions as its source; the new ones begin where the source's do, at 0."""
    return replace(
        mirror, partitions=count, start_offsets=mirror.start_offsets + (0,) * (count - len(mirror.start_offsets))
    )


def shrunk(mirror: Mirror, count: int) -> MirrorFailure:
    """Why a mirror cannot go on (MIRROR-41)."""
    return MirrorFailure(
        MirrorError.SOURCE_PARTITIONS_DECREASED,
        f"{mirror.source_topic} has {count} partitions at the source, its mirror {mirror.partitions}. Fail over to "
        "keep the mirror, or delete it and create it again.",
    )
