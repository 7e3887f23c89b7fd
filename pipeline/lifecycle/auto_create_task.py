"""AutoCreateMirror of one link (STATE-23, MIRROR-110..116, TASK-51).

A mirror is created by a `mirror.create` command like any other, in the link's queue, so that it cannot come about
twice: the command of a worker that died is carried out by the next, and a topic of which one is waiting gets no other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from pipeline.cluster.errors import ClusterError, RemoteLinkNotFound
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.link_task import LinkTask, Report, not_set
from pipeline.lifecycle.source_topics import control_names
from pipeline.lifecycle.times import now_ms
from pipeline.link.commands import build
from pipeline.link.errors import LinkError
from pipeline.link.models import Command, Link, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkMode, TaskName
from pipeline.sync.auto_create import literal_names, plan_creations, refusal
from pipeline.sync.batches import at_most
from pipeline.sync.problems import Side, problem

FILTERS = "auto.create.mirror.topics.filters"
COMMAND = "mirror.create"
TOGETHER = 16
AGAIN_S = 60.0
"""How long a refused creation rests, unless the filters change: each try is a command that is kept."""


class AutoCreate(LinkTask):
    """Cycles of one link."""

    name = TaskName.AUTO_CREATE_MIRROR
    interval_property = "metadata_max_age_ms"
    properties = ("auto.create.mirror.topics.enable", FILTERS, "metadata.max.age.ms")

    def __init__(self, context: Context, link: str) -> None:
        super().__init__(context, link)
        self._refused: dict[str, tuple[float, TaskError]] = {}
        self._refused_under = ""

    def is_on(self, settings: LinkSettings) -> bool:
        return settings.auto_create_mirror_topics_enable

    def misconfigured(self, settings: LinkSettings) -> TaskError | None:
        return None if settings.topic_filters().filters else not_set(FILTERS)

    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        try:
            remote = await self.context.remote(link)
            topics = await remote.list_topics(operations=True)
            if unlisted := literal_names(settings.topic_filters()) - set(topics):
                topics = {**topics, **await remote.describe_topics(unlisted, operations=True)}
            theirs = await self._mirrors_there(link)
        except ClusterError as error:
            return Report([problem(error, Side.SOURCE)])
        own_topics = await self.context.own.list_topics()
        reserved = {*control_names(self.context, link), *theirs}
        plan = plan_creations(topics.values(), settings, self.mirrors(), set(own_topics), reserved)
        pending = [Command.from_json(request.command) for request in self.context.model.pending(self.link)]
        waiting = {each.arguments.get("source_topic_name") for each in pending if each.kind == COMMAND}
        self._forget_refusals({topic.name for topic in plan.create}, settings.auto_create_mirror_topics_filters)
        due = [topic.name for topic in plan.create if topic.name not in waiting and self._may_try(topic.name)]
        seen = self.watched()
        made = await at_most(TOGETHER, due, lambda topic: self._create(link, topic, seen))
        refused = [error for _, error in self._refused.values()]
        return Report([*plan.errors, *refused], {"matching": plan.matching}, {"mirrors_created": sum(made)})

    async def _mirrors_there(self, link: Link) -> set[str]:
        """What has come to the remote cluster over this link, or once came, is not mirrored back (MIRROR-115)."""
        if link.mode is not LinkMode.BIDIRECTIONAL:
            return set()
        try:
            return {mirror.mirror_topic for mirror in (await self.context.paired_partner(link)).mirrors()}
        except RemoteLinkNotFound:
            return set()

    def _forget_refusals(self, wanted: set[str], filters: str) -> None:
        """A topic that is no longer to be created has no refusal; new filters try everything again at once."""
        if self._refused_under != filters:
            self._refused_under, self._refused = filters, {}
        self._refused = {topic: kept for topic, kept in self._refused.items() if topic in wanted}

    def _may_try(self, topic: str) -> bool:
        kept = self._refused.get(topic)
        return kept is None or time.monotonic() - kept[0] >= AGAIN_S

    async def _create(self, link: Link, topic: str, seen: object) -> bool:
        """Ask for one mirror; whether it was created. None is asked for any more once the task was told otherwise:
        thousands take minutes, and the next cycle goes on with what is still wanted.
        """
        if self.watched() != seen:
            return False
        command_id = f"auto-create.{link.cluster_link_id}.{now_ms()}.{topic}"[:200]
        arguments: Mapping[str, object] = {"source_topic_name": topic}
        try:
            command = build(COMMAND, link.name, arguments, command_id, principal=self.name, time_ms=now_ms())
            result = await self.context.submit(command)
        except LinkError as error:
            self._refused[topic] = time.monotonic(), refusal(topic, error.message)
            return False
        if result.error_code is not None:
            self._refused[topic] = time.monotonic(), refusal(topic, result.message or "refused")
            return False
        self._refused.pop(topic, None)
        return True
