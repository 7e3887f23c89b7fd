"""MIRROR-115: over a bidirectional link, both sides create mirrors by themselves, and none is mirrored back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import is_well, name_filters, task
from tests.support.asking import Rest, checked
from tests.support.clients import create_topic
from tests.support.workers import wait_until

TASK = "AutoCreateMirror"


@pytest.mark.timeout(300)
def test_what_came_over_the_link_never_matches(
    source: LocalCluster, destination: LocalCluster, rest_there: Rest, rest: Rest, unique: Callable[[str], str]
) -> None:
    """Names are such that each side's filter selects the other side's mirrors too, promoted ones among them."""
    link, head = unique("link")[-40:], unique("both")[-20:]
    sides = {"a": (rest_there, source, destination), "b": (rest, destination, source)}
    for side, (asked, _, remote) in sides.items():
        checked(
            asked.create_side(
                link,
                remote,
                cluster_link_prefix=f"{head}-on-{side}-",
                metadata_max_age_ms="2000",
                auto_create_mirror_topics_enable="true",
                auto_create_mirror_topics_filters=name_filters("topicFilters", (head, "PREFIXED", "INCLUDE")),
            )
        )
    wanted: dict[str, list[str]] = {"a": [], "b": []}

    def add(number: int) -> None:
        """A topic on each side becomes a mirror on the other: by a cycle that has looked at all that was there."""
        for side, (_, cluster, _) in sides.items():
            topic = f"{head}-{number}{side}"
            create_topic(cluster, topic)
            other = "b" if side == "a" else "a"
            wanted[other].append(f"{head}-on-{other}-{topic}")
        for side, (asked, _, _) in sides.items():
            wait_until(
                lambda s=side, r=asked: set(wanted[s]) <= set(r.mirrors(link)), f"mirrors on {side}", poll_s=0.25
            )  # type: ignore[misc]

    add(1)
    add(2)
    promoted = wanted["b"][0]
    rest.wait_for_status(link, promoted)
    checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [promoted]}))
    rest.wait_for_status(link, promoted, "STOPPED")
    add(3)
    for side, (asked, _, _) in sides.items():
        assert asked.mirrors(link) == sorted(wanted[side]), "nothing but the other side's own topics"
        wait_until(lambda r=asked: is_well(task(r, link, TASK)), f"{TASK} is well on {side}", poll_s=0.25)  # type: ignore[misc]
    for asked, _, _ in sides.values():  # only now: a side whose other side has gone says so
        checked(asked.ask("DELETE", f"/{link}", force="true"))
