"""TopicConfigsSync of one link (STATE-22, MIRROR-80..93, TASK-50, TASK-52).

A mirror's row learns of the source's configs before the topic does: how gaps are filled depends on the cleanup policy.
Partitions are added by `partition_counts`; here it is said where a mirror has more of them than its source.
"""

from __future__ import annotations

import logging
import time

from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.broker_limits import request_limit
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import MOST_ROWS_AT_ONCE
from pipeline.lifecycle.link_task import LinkTask, Report
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus, TaskErrorCode, TaskName
from pipeline.metrics.meter import METER
from pipeline.sync.problems import Side, problem
from pipeline.sync.topic_configs import (
    ConfigReport,
    Effective,
    Rules,
    Wanted,
    changed_row,
    follow_configs,
    source_configs,
)

log = logging.getLogger(__name__)
LIMIT_KEPT_S = 600.0


class ConfigSync(LinkTask):
    """Cycles of one link, over its ACTIVE mirrors: the configs of others stay as they are (MIRROR-59)."""

    name = TaskName.TOPIC_CONFIGS_SYNC
    interval_property = "topic_config_sync_ms"
    properties = ("topic.config.sync.ms", "topic.config.sync.include")

    def __init__(self, context: Context, link: str) -> None:
        super().__init__(context, link)
        self._last: dict[str, Wanted] = {}
        self._grown: set[str] = set()
        self._named: set[str] = set()
        self._limit: int | None = None
        self._limit_at = float("-inf")

    def is_on(self, settings: LinkSettings) -> bool:
        return True

    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        mirrors = [mirror for mirror in self.mirrors() if mirror.status is MirrorStatus.ACTIVE]
        topics = {mirror.mirror_topic for mirror in mirrors}
        self._last = {topic: wanted for topic, wanted in self._last.items() if topic in topics}
        if not mirrors:
            return Report(self._denied())
        errors: list[TaskError] = []
        try:
            sources = await source_configs(await self.context.remote(link), mirrors, errors)
        except ClusterError as error:
            return Report([problem(error, Side.SOURCE)])
        await self._learn(mirrors, sources)
        mirrors = [mirror for mirror in mirrors if self._is_active(mirror)]
        rules = Rules(
            settings.topic_config_sync_include, await self.context.known_configs(), await self._request_limit()
        )
        own = self.context.own
        report = await follow_configs(own, mirrors, sources, rules, self._last, is_active=self._is_active)
        self._count(report)
        if report.repaired:
            log.warning("Link %s: %d topic configs changed by hand were set back", self.link, report.repaired)
        if new := report.skipped - self._named:
            log.info("Link %s: topic configs that this cluster does not know: %s", self.link, ", ".join(sorted(new)))
            self._named |= new
        return Report(
            [*self._denied(), *errors, *report.errors, *await self._grown_by_hand(mirrors)],
            {"topics": len(mirrors), "skipped_configs": len(report.skipped)},
            {"configs_followed": report.followed, "configs_repaired": report.repaired},
        )

    def _count(self, report: ConfigReport) -> None:
        """A cycle in metrics (MET-19, MET-48)."""
        done = report.followed + report.repaired
        METER.add("clusterlink_topic_config_updates_total", self.link, "success", by=done)
        METER.add("clusterlink_topic_config_updates_total", self.link, "failure", by=report.refused)
        for topic, repaired in report.repaired_of.items():
            METER.add("clusterlink_config_drift_repairs_total", self.link, topic, by=repaired)

    async def _learn(self, mirrors: list[Mirror], sources: dict[str, Effective]) -> None:
        """Write what rows have to know; a row that somebody else changes meanwhile is written in the next cycle."""
        decision, rows = Decision(self.context.model, self.link), 0
        for mirror in mirrors:
            current = self.context.model.mirrors.get(mirror_key(self.link, mirror.mirror_topic))
            if current is None or mirror.mirror_topic not in sources or not self._is_active(mirror):
                continue
            if (after := changed_row(current, sources[mirror.mirror_topic])) is not None and rows < MOST_ROWS_AT_ONCE:
                decision.put_mirror(after)
                rows += 1
        if rows:
            await self.context.settle(decision)

    def _denied(self) -> list[TaskError]:
        """Permissions that copying lacks: only who copies sees them, and this is the task that every link runs. A
        mirror that is being set up may lack them too, and comes no further for it.
        """
        return [
            error
            for mirror in self.mirrors()
            if mirror.is_copying
            for position in self.context.model.positions_of(self.link, mirror.mirror_topic)
            if position.denied and position.is_of(mirror)
            for error in position.denied
        ]

    def _is_active(self, mirror: Mirror) -> bool:
        current = self.context.model.mirrors.get(mirror_key(self.link, mirror.mirror_topic))
        return (
            current is not None
            and current.mirror_topic_id == mirror.mirror_topic_id
            and current.status is MirrorStatus.ACTIVE
        )

    async def _request_limit(self) -> int | None:
        """The own brokers' limit; None where we may not see it."""
        if time.monotonic() - self._limit_at > LIMIT_KEPT_S:
            self._limit_at = time.monotonic()
            self._limit = await request_limit(self.context.own) or self._limit
        return self._limit

    async def _grown_by_hand(self, mirrors: list[Mirror]) -> list[TaskError]:
        """Mirrors with partitions that their source does not have (MIRROR-93), if two cycles in a row have seen it."""
        topics = await self.context.own_topics(max_age_s=4.0)
        grown = {
            mirror.mirror_topic: len(found.partitions)
            for mirror in mirrors
            if (found := topics.get(mirror.mirror_topic)) is not None
            and found.topic_id == mirror.mirror_topic_id
            and len(found.partitions) > mirror.partitions
        }
        before, self._grown = self._grown, set(grown)
        partitions = {mirror.mirror_topic: mirror.partitions for mirror in mirrors}
        return [
            TaskError(
                TaskErrorCode.UNKNOWN,
                f"{topic} has {count} partitions, its source {partitions[topic]}: somebody has added some here. "
                "Those are not mirrored until the source has as many.",
            )
            for topic, count in grown.items()
            if topic in before
        ]
