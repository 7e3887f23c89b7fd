"""RUN-18: three sources with topics of one name, mirrored to one hub under three prefixes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import name_filters
from tests.support.asking import Rest, assert_equal, checked, refusal
from tests.support.clients import create_topic, log_ends
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until


@pytest.fixture
def sources(source: LocalCluster) -> Iterator[list[LocalCluster]]:
    with ExitStack() as stack:
        yield [source, *(stack.enter_context(LocalCluster()) for _ in range(2))]


@pytest.mark.timeout(400)
def test_run_18(
    sources: list[LocalCluster], destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    heads = {f"{name}-{unique('p')[-8:]}.": cluster for name, cluster in zip("abc", sources, strict=True)}
    filters = name_filters("topicFilters", (topic, "LITERAL", "INCLUDE"))
    for number, (head, cluster) in enumerate(heads.items()):
        create_topic(cluster, topic)
        produce(cluster, topic, numbered(100 * (number + 1)))
        configs = {"cluster_link_prefix": head, "auto_create_mirror_topics_enable": "true"}
        checked(rest.create_link(f"{head}link", cluster, auto_create_mirror_topics_filters=filters, **configs))
    for number, (head, cluster) in enumerate(heads.items()):
        link, mirror, ends = f"{head}link", f"{head}{topic}", [100 * (number + 1)]
        wait_until(partial(has_mirrors, rest, link, [mirror]), f"{link} mirrors", poll_s=0.25)
        rest.wait_for_status(link, mirror)
        wait_until(partial(has_ends, destination, mirror, ends), f"{mirror} is complete", poll_s=0.25)
        assert_equal(cluster, destination, topic, mirror)
    again = rest.create_link("again", sources[0], cluster_link_prefix=next(iter(heads)))
    assert refusal(again) == (400, 40002)
    assert f"{next(iter(heads))}link" in again.text


def has_mirrors(rest: Rest, link: str, names: list[str]) -> bool:
    return rest.mirrors(link) == names


def has_ends(cluster: LocalCluster, topic: str, ends: list[int]) -> bool:
    return log_ends(cluster, topic) == ends
