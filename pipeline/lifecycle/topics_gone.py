"""Notice mirror topics that were deleted on the destination: the mirror is gone with them (MIRROR-37, MIRROR-69).

Deleting a mirror is nothing but the deletion of its topic, by whatever tool. A topic made again under the same name is
another one (its id differs) and no mirror. A topic counts as gone when two looks in a row have missed it, since a new
one takes a moment to show in the metadata of every broker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from pipeline.cluster.errors import ClusterError
from pipeline.cluster.metadata import TopicInfo
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import MOST_ROWS_AT_ONCE, Duty
from pipeline.link.models import Mirror
from pipeline.link.restore import RestoreStage

log = logging.getLogger(__name__)
LOOK_S = 5.0


class TopicsGone(Duty):
    """Looks for the mirror topics of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._missed: dict[str, str] = {}
        self._gone: dict[str, Mirror] = {}

    async def run(self) -> None:
        while True:
            mirrors = [mirror for mirror in self.mirrors() if not is_made_anew(mirror)]
            if mirrors:
                await self._look(mirrors)
            await asyncio.sleep(LOOK_S)

    def decide(self, decision: Decision) -> None:
        for topic, mirror in list(self._gone.items())[:MOST_ROWS_AT_ONCE]:
            current = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if current is None or current.mirror_topic_id != mirror.mirror_topic_id:
                del self._gone[topic]
            else:
                decision.drop_mirror(current)

    async def _look(self, mirrors: list[Mirror]) -> None:
        try:
            topics = await self.context.own_topics(LOOK_S / 2)
        except ClusterError as error:
            log.warning("Link %s: the own cluster's topics cannot be listed: %s", self.link, error)
            return
        missing = missing_topics(mirrors, topics)
        gone = {t: m for t, m in missing.items() if self._missed.get(t) == m.mirror_topic_id and t not in self._gone}
        self._missed = {topic: mirror.mirror_topic_id for topic, mirror in missing.items()}
        for topic, mirror in gone.items():
            log.info("Link %s: mirror topic %s was deleted; its mirror is gone", self.link, topic)
            await forget_mirror(self.context, mirror)
            self._gone[topic] = mirror
        if gone:
            self.wake()


def is_made_anew(mirror: Mirror) -> bool:
    """Whether the topic may be gone because we delete it ourselves (MIRROR-85)."""
    return mirror.restore is not None and mirror.restore.stage is not RestoreStage.COPYING


def missing_topics(mirrors: Iterable[Mirror], topics: Mapping[str, TopicInfo]) -> dict[str, Mirror]:
    """The mirrors whose own topic is not among `topics`, by name."""
    return {
        mirror.mirror_topic: mirror
        for mirror in mirrors
        if (found := topics.get(mirror.mirror_topic)) is None or found.topic_id != mirror.mirror_topic_id
    }


async def forget_mirror(context: Context, mirror: Mirror) -> None:
    """Forget what is kept elsewhere about a mirror whose topic is gone for good; may be repeated."""
    await context.registry.forget(mirror.mirror_topic_id)
    for partition in range(mirror.partitions):
        await context.forget_position(mirror.link, mirror.mirror_topic, partition)
