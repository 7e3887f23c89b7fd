"""What of a source may be mirrored: neither Kafka's own topics nor those of workers (MIRROR-110)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.metadata import PartitionInfo, TopicInfo
from pipeline.control.read_model import TABLES
from pipeline.lifecycle.auto_create_task import AutoCreate
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.source_topics import source_topics
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from tests.unit.lifecycle.rows import LINK, TOPICS, Rows

EVERY = '{"topicFilters": [{"name": "*", "patternType": "LITERAL", "filterType": "INCLUDE"}]}'
ALL = {**LINK.configs, "auto.create.mirror.topics.enable": "true", "auto.create.mirror.topics.filters": EVERY}


class Source:
    """A cluster with workers of its own, of two app ids."""

    async def list_topics(self, operations: bool = False) -> dict[str, TopicInfo]:
        names = ["orders", *TOPICS.wanted(TABLES), *replace(TOPICS, app_id="there").wanted(TABLES)]
        return {name: TopicInfo(name, "", {0: PartitionInfo(0, 0, (0,))}) for name in names}


class Own:
    async def list_topics(self) -> list[str]:
        return [*TOPICS.wanted(TABLES)]


def world(monkeypatch: pytest.MonkeyPatch, **configs: str) -> tuple[Context, Link]:
    link = replace(LINK, configs={**ALL, **configs})

    async def remote(_: Link) -> Source:
        return Source()

    context = Rows(link).context(own=Own())
    monkeypatch.setattr(context, "remote", remote)
    return context, link


async def test_topics_of_workers_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    context, link = world(monkeypatch, **{"partner.app.id": "there"})
    assert await source_topics(context, link) == {"orders": 1}


async def test_a_filter_for_all_topics_does_not_mean_those_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their changelogs too: each would be an error, for it is here already, or a mirror under a prefix."""
    for configs in ({"partner.app.id": "there"}, {"partner.app.id": "there", "cluster.link.prefix": "p."}):
        context, link = world(monkeypatch, **configs)
        task, asked = AutoCreate(context, "l"), []

        async def create(_: Link, topic: str, seen: object, asked: list[Any] = asked) -> bool:
            asked.append(topic)
            return True

        monkeypatch.setattr(task, "_create", create)
        report = await task.cycle(link, LinkSettings.of(link.configs))
        assert (asked, report.errors) == (["orders"], [])
